"""Objects of a document: one entry of a section to its stored fields, with defaults and its group. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vigil.code.core.fields.types import Wrong, holds_reference
from vigil.code.core.kind_fields import (
    GROUP,
    KEY_OF_PRESET,
    NOTHING,
    PRESET,
    SECRETS,
    Entry,
    KindFields,
    Reading,
    read_kind,
)
from vigil.code.core.references import with_values
from vigil.code.core.sections.shape import UNSET
from vigil.code.core.sections.table import SECTIONS
from vigil.code.core.sections.watched import MONITORS
from vigil.code.core.tree import NOWHERE, Node, TextPlace, nearest, shown


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object as the document wants it. `fields` are stored values by name, without those it leaves as they are.

    `secrets` are texts with references, by name, never values. `places` are those of its fields. `written` is how the
    document writes what has references in it: a field by its name, a setting as `config.NAME`; and what it gives for a
    preset, as `preset`. Without `is_judged`, `fields` lack what is a reference that has no value here.
    """

    section: str
    key: str
    fields: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)
    place: TextPlace = NOWHERE
    places: Mapping[str, TextPlace] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    written: Mapping[str, Any] = field(default_factory=dict)
    is_judged: bool = True


@dataclass(frozen=True, slots=True)
class _Inherited:
    """Fields of `defaults` and of the group, and the tags of both, which are added to its own."""

    defaults: Mapping[str, Node]
    group: Mapping[str, Node]

    @property
    def tags(self) -> list[str]:
        layers = (self.defaults, self.group)
        return [str(part.value) for layer in layers if "tags" in layer for part in layer["tags"].value]

    def field_of(self, entry: Entry, name: str, made: KindFields) -> Node | None:
        """The node that gives a field: its own, else its group's, else that of `defaults` unless a preset gives it."""
        node = entry.given.get(name) or self.group.get(name)
        return node or (None if name in made.fields else self.defaults.get(name))


def shared_fields(reading: Reading, node: Node | None, path: str) -> Mapping[str, Node]:
    """Fields of `defaults` or of a group, each checked once."""
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        reading.refuse(node, path, f"is a map with any of {', '.join(MONITORS.grouped)}")
        return {}
    entry = Entry(reading, MONITORS, path, node, {})
    found: dict[str, Node] = {}
    for name, part in node.value.items():
        if name not in MONITORS.grouped:
            entry.refuse(part, f"unknown field {shown(name)}: {nearest(name, MONITORS.grouped)}")
            continue
        known = with_values(part, reading.values)
        if _read(entry, name, known) is not None:
            found[name] = known
    return found


def read_object(reading: Reading, section_name: str, key: str, node: Node) -> Wanted | None:
    """One object; None where a problem was found, which is noted."""
    section = SECTIONS[section_name]
    path = f"{section_name}.{key}"
    before = len(reading.problems)
    if section_name == "feeds" and isinstance(node.value, bool):
        node = Node({"enabled": Node(node.value, node.place)}, node.place)
    if node.value is None:
        node = Node({}, node.place)
    if not isinstance(node.value, dict):
        reading.refuse(node, path, f"is a map of the {section.noun}'s fields")
        return None
    given = {
        name: part if name in (SECRETS, KEY_OF_PRESET) else with_values(part, reading.values)
        for name, part in node.value.items()
    }
    entry = Entry(reading, section, path, node, given)
    _check_names(entry)
    made = read_kind(entry) if section.kinds else NOTHING
    inherited = _inherited(entry)
    fields = _fields(entry, inherited, made)
    if "name" in section.fields:
        fields.setdefault("name", key)
    if len(reading.problems) > before:
        return None
    places = {name: part.place for name, part in node.value.items()}
    written = {**made.written, **_written_fields(entry, inherited, made)}
    is_judged = all(name in fields for name, field_ in section.fields.items() if field_.default is not UNSET)
    is_judged = is_judged and all(name in fields for name, field_ in section.fields.items() if field_.required)
    price = _price(reading, fields) if is_judged else ()
    warnings = (*made.warnings, *price)
    return Wanted(section_name, key, fields, made.secrets, node.place, places, warnings, written, is_judged)


def _price(reading: Reading, fields: Mapping[str, Any]) -> tuple[str, ...]:
    """What a month of an object costs, which is told before it is saved."""
    if "config" not in fields or "interval" not in fields:
        return ()
    words = reading.catalogue.price(fields["kind"], fields["config"], fields["interval"])
    return (words,) if words else ()


def _check_names(entry: Entry) -> None:
    catalogue = entry.reading.catalogue
    known = set(entry.section.fields) | ({GROUP} if entry.section.grouped else set())
    if entry.section.kinds:
        known |= {SECRETS, *catalogue.kinds[entry.section.kinds]}
    if entry.section is MONITORS:
        known |= {PRESET, *catalogue.preset_fields}
    for name, part in entry.given.items():
        if name not in known:
            entry.refuse(part, f"unknown field {shown(name)}: {nearest(name, known)}")


def _inherited(entry: Entry) -> _Inherited:
    if not entry.section.grouped:
        return _Inherited({}, {})
    groups, group = entry.reading.groups, entry.given.get(GROUP)
    found: Mapping[str, Node] | None = {}
    if group is not None:
        found = groups.get(group.value) if isinstance(group.value, str) else None
        if found is None:
            hint = nearest(str(group.value), groups) if groups else "this document has no groups"
            entry.refuse(group, f"there is no group {shown(group.value)}: {hint}")
    layers = (
        {name: node for name, node in layer.items() if name in entry.section.grouped}
        for layer in (entry.reading.defaults, found or {})
    )
    return _Inherited(*layers)


def _written_fields(entry: Entry, inherited: _Inherited, made: KindFields) -> dict[str, Any]:
    """Fields that have references; not tags, which may come from several places."""
    found = {name: inherited.field_of(entry, name, made) for name in entry.section.fields if name != "tags"}
    return {name: node.written for name, node in found.items() if node is not None and node.written is not None}


def _fields(entry: Entry, inherited: _Inherited, made: KindFields) -> dict[str, Any]:
    """Stored values: its own, else its group's, else its preset's, else those of `defaults`, else the usual ones."""
    found: dict[str, Any] = {}
    for name, field_ in entry.section.fields.items():
        node = inherited.field_of(entry, name, made)
        if node is not None:
            value = _read(entry, name, node)
            if value is not None:
                found[name] = value
        elif name in made.fields:
            found[name] = made.fields[name]
        elif field_.required:
            entry.refuse(entry.node, f"{name} is missing")
        elif field_.default is not UNSET:
            found[name] = field_.default
    if "tags" in entry.section.grouped:
        found["tags"] = list(dict.fromkeys([*inherited.tags, *made.tags, *found.get("tags", ())]))
    return {**made.fields, **found}


def _read(entry: Entry, name: str, node: Node) -> Any:
    try:
        return entry.section.fields[name].type.read(node)
    except Wrong as wrong:
        # A value that is not known yet cannot be wrong.
        if not holds_reference(node.value if isinstance(node.value, str) else None):
            entry.refuse(wrong.node or node, f"{name}: {wrong.words}")
        return None

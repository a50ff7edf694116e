"""Kind of an object in a document: its config or preset, and the references of its secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vigil.code.core.fields.types import FlagType, Json, TextType, Wrong, holds_reference
from vigil.code.core.kinds import Catalogue, ConfigProblem, PresetDraft, column_of, read_config, written_name
from vigil.code.core.references import references_in
from vigil.code.core.sections.shape import Section
from vigil.code.core.sections.watched import MONITORS
from vigil.code.core.tree import PROBLEMS_MOST, DocumentProblem, Node, nearest, nearest_word

SECRETS, PRESET, GROUP, KEY_OF_PRESET = "secrets", "preset", "group", "key"
SECRETS_MOST = 20
#: What kinds say of a setting that they do not have.
UNKNOWN = "is not known here"


@dataclass(slots=True)
class Reading:
    """A document while it is read: what it stands on, and the problems so far."""

    catalogue: Catalogue
    values: Mapping[str, str]
    problems: list[DocumentProblem] = field(default_factory=list)
    defaults: Mapping[str, Node] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Node]] = field(default_factory=dict)

    def refuse(self, node: Node, path: str, words: str) -> None:
        if len(self.problems) < PROBLEMS_MOST:
            self.problems.append(DocumentProblem(node.place, path, words))


@dataclass(frozen=True, slots=True)
class Entry:
    """One object while it is read: `given` are its fields, with the values of references but for its secrets."""

    reading: Reading
    section: Section
    path: str
    node: Node
    given: Mapping[str, Node]

    def refuse(self, node: Node, words: str) -> None:
        self.reading.refuse(node, self.path, words)


@dataclass(frozen=True, slots=True)
class KindFields:
    """What the kind or the preset of an object gives; empty where a problem was found."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    written: Mapping[str, Any] = field(default_factory=dict)


NOTHING = KindFields()


def read_kind(entry: Entry) -> KindFields:
    """The one kind that an entry gives, or what its preset makes."""
    shapes = entry.reading.catalogue.kinds[entry.section.kinds]
    kinds = [name for name in entry.given if name in shapes]
    is_monitor = entry.section is MONITORS
    if is_monitor and PRESET in entry.given:
        if kinds:
            entry.refuse(entry.given[kinds[0]], f"give {kinds[0]} or a preset, not both")
            return NOTHING
        return _read_preset(entry)
    alone = [name for name in entry.given if is_monitor and name in entry.reading.catalogue.preset_fields]
    if alone:
        entry.refuse(entry.given[alone[0]], f"{alone[0]} goes with a preset")
    if len(kinds) != 1:
        if not kinds and any(nearest_word(name, shapes) for name in entry.given if name not in entry.section.fields):
            # A kind is misspelled, and the unknown field says so.
            return NOTHING
        also = " or `preset`" if is_monitor else ""
        words = f"give one kind, not {' and '.join(kinds)}" if kinds else f"give one kind: {', '.join(shapes)}{also}"
        entry.refuse(entry.node, words)
        return NOTHING
    kind = kinds[0]
    secrets = _secrets(entry)
    try:
        config = read_config(shapes[kind], kind, entry.given[kind])
    except Wrong as wrong:
        entry.refuse(wrong.node or entry.given[kind], wrong.words)
        return NOTHING
    _judge(entry, kind, config, frozenset(secrets))
    written = {
        setting_path(column_of(shapes[kind], name)): part.written
        for name, part in entry.given[kind].members.items()
        if part.written is not None
    }
    return KindFields({"kind": kind, "config": config}, secrets, written=written)


def _judge(entry: Entry, kind: str, config: Json, secrets: frozenset[str]) -> None:
    try:
        entry.reading.catalogue.check(entry.section.kinds, kind, config, secrets)
    except ConfigProblem as problem:
        name = problem.field.split(".")[0].split("[")[0]
        # A value that is not known yet cannot be wrong.
        if not holds_reference(config.get(name, config)):
            words = f"{problem.field}: {problem.problem}" if problem.field else problem.problem
            if problem.problem == UNKNOWN:
                shape = entry.reading.catalogue.kinds[entry.section.kinds][kind]
                known = {written_name(shape, inner) for inner in shape.inner}
                words = f"{words}: {nearest(problem.field.rpartition('.')[2], known)}"
            entry.refuse(_innermost(entry.given[kind], problem.field), f"{kind}: {words}")


def _innermost(node: Node, path: str) -> Node:
    """The innermost node on a path such as `assertions[0].path`, as far as the document has it."""
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(node.value, list) and part.isdecimal() and int(part) < len(node.value):
            node = node.value[int(part)]
        elif part in node.members:
            node = node.members[part]
        else:
            break
    return node


def _read_preset(entry: Entry) -> KindFields:
    given = entry.given
    fields: Json = {}
    for name in (PRESET, *entry.reading.catalogue.preset_fields):
        node = given.get(name)
        if node is None:
            continue
        try:
            fields[name] = FlagType().read(node) if name == "billing_acknowledged" else TextType(2_000).read(node)
        except Wrong as wrong:
            entry.refuse(node, f"{name}: {wrong.words}")
            return NOTHING
    if SECRETS in given:
        entry.refuse(given[SECRETS], "a preset takes its secret as `key`")
    if KEY_OF_PRESET in fields and not references_in(fields[KEY_OF_PRESET]):
        entry.refuse(given[KEY_OF_PRESET], _no_reference(KEY_OF_PRESET))
        return NOTHING
    try:
        found: PresetDraft = entry.reading.catalogue.draft(fields.pop(PRESET), fields)
    except ConfigProblem as problem:
        if not holds_reference(fields.get(problem.field)):
            entry.refuse(given.get(problem.field, given[PRESET]), f"{problem.field}: {problem.problem}")
        return NOTHING
    made = {"kind": found.kind, "config": found.config, "interval": found.interval_s, "timeout": found.timeout_ms}
    names = (PRESET, *entry.reading.catalogue.preset_fields)
    written = {
        "given": {name: entry.node.members[name].bare() for name in names if name in given},
        "interval": found.interval_s, "timeout": found.timeout_ms, "tags": list(found.tags),
    }  # fmt: skip
    return KindFields(made, dict(found.secrets), found.tags, found.warnings, {PRESET: written})


def setting_path(column: str) -> str:
    """Path of a setting among what is written with references."""
    return f"config.{column}"


def _secrets(entry: Entry) -> dict[str, str]:
    node = entry.given.get(SECRETS)
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        entry.refuse(node, "secrets is a map of names to references such as ${env:NAME}")
        return {}
    if len(node.value) > SECRETS_MOST:
        entry.refuse(node, f"secrets: at most {SECRETS_MOST}")
    for name, part in node.value.items():
        if not isinstance(part.value, str) or not references_in(part.value):
            entry.refuse(part, _no_reference(f"secrets.{name[:60]}"))
    return {name: str(part.value) for name, part in node.value.items()}


def _no_reference(name: str) -> str:
    """Never quotes the value: people put keys there."""
    return f"{name}: write a reference such as ${{env:NAME}} or ${{file:path}}, never the value"

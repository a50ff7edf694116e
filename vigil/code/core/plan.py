"""Plan: what a document changes in a team's configuration, field by field. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from vigil.code.core.document import Document
from vigil.code.core.fields.types import PUBLIC_ID
from vigil.code.core.kind_fields import setting_path
from vigil.code.core.objects import Wanted
from vigil.code.core.sections.installation import INSTALLATION
from vigil.code.core.sections.shape import WATCHED
from vigil.code.core.sections.table import SECTIONS, references_of_field
from vigil.code.core.state import Actual, Address, TeamState, comparable, with_names
from vigil.code.core.tree import DocumentError, DocumentProblem, shown

HIDDEN = "(secret)"
CHANGED = "(changed)"
#: Sections in which two objects may have one name.
SHARED_NAMES = ("regions", "routes", "silences", "maintenance", "status_pages")


class PlanAction(StrEnum):
    """What is done to one object. `move` gives it a new key; `keep` leaves what the document no longer names."""

    CREATE = "create"
    UPDATE = "update"
    MOVE = "move"
    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field: stored values in words of the document. Secrets show only that they differ."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One object: its address, its public id ("" until it is made), its name, and its fields."""

    action: PlanAction
    section: str
    key: str
    public_id: str
    name: str
    fields: tuple[FieldChange, ...] = ()

    @property
    def address(self) -> Address:
        return self.section, self.key


@dataclass(frozen=True, slots=True)
class PlannedChanges:
    """All changes in the order in which they are made; `ids` are those of every object of the document that exists."""

    changes: tuple[Change, ...] = ()
    ids: Mapping[Address, str] = field(default_factory=dict)

    @property
    def effective(self) -> tuple[Change, ...]:
        """Changes that change something."""
        return tuple(change for change in self.changes if change.action is not PlanAction.KEEP)


def plan(
    document: Document, state: TeamState, hashes: Mapping[Address, Mapping[str, str]], prune: bool
) -> PlannedChanges:
    """Compare a document with the state; raises `DocumentError` for a name that is taken or an id that is not there.

    `hashes` are those of the secrets that the document names, by address and name. With `prune`, what the project owns
    and the document does not name is deleted.
    """
    owned, moves = _moved(document, state)
    ids = {address: found for address, found in owned.items() if found in state.objects}
    for key in document.objects.get("regions", ()):
        # Its name is its identity: to name one that is there is to take it over.
        if f"region:{key}" in state.objects:
            ids["regions", key] = f"region:{key}"
    keys = {found: key for (_, key), found in ids.items()}
    wanted = {(one.section, one.key): one for one in document.all()}
    left = {found: address for address, found in ids.items() if address not in wanted}
    problems = list(_problems(document, state, ids, {} if prune else left))
    if problems:
        raise DocumentError(problems)
    changes = []
    for address, one in wanted.items():
        actual = state.objects.get(ids.get(address, ""))
        changed = tuple(_differences(one, actual, keys, hashes.get(address, {})))
        name = str(one.fields.get("name", one.key))
        if actual is None:
            changes.append(Change(PlanAction.CREATE, one.section, one.key, "", name, changed))
        elif changed or address in moves:
            action = PlanAction.MOVE if address in moves and not changed else PlanAction.UPDATE
            old = (FieldChange("key", moves[address], one.key),) if address in moves else ()
            changes.append(Change(action, one.section, one.key, actual.public_id, actual.name, old + changed))
    order = list(SECTIONS)
    action = PlanAction.DELETE if prune else PlanAction.KEEP
    first = [
        Change(action, section, key, found, state.objects[found].name)
        for found, (section, key) in sorted(left.items(), key=lambda one: (-order.index(one[1][0]), one[1][1]))
    ]
    return PlannedChanges((*first, *changes), ids)


def _moved(document: Document, state: TeamState) -> tuple[dict[Address, str], dict[Address, str]]:
    """Owned ids under their new keys, and the old keys of those that moved."""
    owned, moves = dict(state.owned), {}
    for old, new in document.moved.items():
        for section, found in document.objects.items():
            if section not in INSTALLATION and new in found and (section, old) in owned and (section, new) not in owned:
                owned[section, new] = owned.pop((section, old))
                moves[section, new] = old
    return owned, moves


def _problems(
    document: Document, state: TeamState, ids: Mapping[Address, str], kept: Mapping[str, Address]
) -> Iterable[DocumentProblem]:
    """Problems with what is there. `kept`: what the document no longer names and stays, with its name."""
    free = set(ids.values()) - kept.keys()
    taken = {(names_of(one.section), one.name): one for one in state.objects.values() if one.public_id not in free}
    for one in document.all():
        path = f"{one.section}.{one.key}"
        name = str(one.fields.get("name"))
        other = taken.get((names_of(one.section), name))
        if other is not None and one.section not in SHARED_NAMES:
            place = one.places.get("name", one.place)
            if other.public_id in state.foreign:
                words = f"another project has a {SECTIONS[other.section].noun} of the name {shown(name)}"
            elif other.public_id in kept:
                old = ".".join(kept[other.public_id])
                words = f"{old} has the name {shown(name)} and stays: --prune deletes it, `moved` gives it a new key"
            else:
                words = f"the name {shown(name)} is taken: `manage.py adopt {path}={other.public_id}` makes it this one"
            yield DocumentProblem(place, path, words)
        noun = SECTIONS[one.section].noun
        if one.section in INSTALLATION and f"{noun}:{one.key}" in state.foreign:
            yield DocumentProblem(one.place, path, f"another project has this {noun}")
        for found, column in _ids_in(one):
            if found not in state.objects:
                yield DocumentProblem(one.places.get(column, one.place), path, f"{column}: there is no object {found}")


def names_of(section: str) -> str:
    """The sections that share names."""
    return "monitors" if section in WATCHED else section


def _ids_in(one: Wanted) -> Iterable[tuple[str, str]]:
    for name, kind in SECTIONS[one.section].fields.items():
        for _, found in references_of_field(kind.type, one.fields.get(name)):
            if PUBLIC_ID.match(found):
                yield found, name


def _differences(
    one: Wanted, actual: Actual | None, keys: Mapping[str, str], hashes: Mapping[str, str]
) -> Iterable[FieldChange]:
    section = SECTIONS[one.section]
    stored = actual.fields if actual else {}
    for name in ("kind", "config"):
        if name in one.fields and stored.get(name) != one.fields[name]:
            yield from (
                _config(one, actual) if name == "config" else [FieldChange(name, stored.get(name), one.fields[name])]
            )
    for name, kind in section.fields.items():
        if name not in one.fields:
            continue
        old = with_names(kind.type, stored.get(name), keys)
        new = with_names(kind.type, one.fields[name], keys)
        if actual is None and new == kind.default:
            continue
        if actual is None or comparable(kind.type, old) != comparable(kind.type, new):
            sides = (None if side is None else kind.type.written(side) for side in (old, new))
            yield _as_written(name, name, one, actual, tuple(sides))
    known = actual.secrets if actual else {}
    for name in sorted({*hashes, *known}):
        if known.get(name) != hashes.get(name) and not _is_own(one, name):
            old, new = (HIDDEN if name in side else None for side in (known, hashes))
            yield FieldChange(f"secrets.{name}", old, CHANGED if old and new else new)


def _config(one: Wanted, actual: Actual | None) -> Iterable[FieldChange]:
    """Differences of a config, setting by setting."""
    old, new = (actual.fields.get("config") or {} if actual else {}), one.fields["config"]
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            sides = old.get(name), new.get(name)
            kind = one.fields["kind"] if name in new or actual is None else actual.fields["kind"]
            yield _as_written(f"{kind}.{name}", setting_path(name), one, actual, sides)


def _as_written(name: str, path: str, one: Wanted, actual: Actual | None, sides: tuple[Any, ...]) -> FieldChange:
    """A change whose values that come from references are shown as the references."""
    old = actual.written.get(path, sides[0]) if actual else sides[0]
    new = one.written.get(path, sides[1])
    return FieldChange(name, old, CHANGED if new == old else new)


def _is_own(one: Wanted, name: str) -> bool:
    """A secret that the installation made itself and the document does not name."""
    return one.fields.get("kind") == "webhook" and name == "secret" and name not in one.secrets

"""State of a team's configuration as plans compare it: every object with its fields, and who owns it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vigil.code.core.fields.structured import KeyType, MembersType, StepsType
from vigil.code.core.fields.types import FieldType, ListType
from vigil.monitors.core.composite_rules import CompositeRule

#: Section and key of an object in a document.
Address = tuple[str, str]
#: What names a monitor that was deleted. It is no key and no id.
DELETED = "(deleted)"


@dataclass(frozen=True, slots=True)
class Actual:
    """A stored object. References in `fields` are public ids; `secrets` are keyed hashes by name.

    `written` is how the document wrote what still has the value that it was applied with; see `Wanted`.
    """

    section: str
    public_id: str
    name: str
    fields: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TeamState:
    """All objects of a team by public id, and the ids that one project owns, by address.

    `foreign` are the ids that other projects own.
    """

    objects: Mapping[str, Actual]
    owned: Mapping[Address, str]
    foreign: frozenset[str] = frozenset()

    def revision(self) -> str:
        """A digest of everything that a plan rests on: it differs where anything of it does."""
        rows = [
            [one.section, one.public_id, one.name, one.fields, one.secrets]
            for one in sorted(self.objects.values(), key=lambda one: (one.section, one.public_id))
        ]
        owners = [sorted([*address, found] for address, found in self.owned.items()), sorted(self.foreign)]
        encoded = json.dumps([rows, owners], sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(encoded.encode()).hexdigest()[:24]


def lacks_subject(one: Actual) -> bool:
    """Whether the monitors that an object was about were deleted, so that no document can say what is left of it."""
    fields = one.fields
    if one.section == "composites":
        members = [key for link in fields["members"] for key in link["monitors"]]
        return not members or (fields["rule"] == CompositeRule.AT_LEAST and fields["k"] > len(members))
    if one.section == "silences":
        return not (fields["every_monitor"] or fields["monitors"] or fields["tags"])
    return fields.get("monitor") == DELETED


def with_names(kind: FieldType, value: Any, names: Mapping[str, str]) -> Any:
    """A stored value with its references replaced by `names`, where those have one."""
    if value is None:
        return None
    if isinstance(kind, KeyType):
        return names.get(value, value)
    if isinstance(kind, ListType):
        return [with_names(kind.each, part, names) for part in value]
    if isinstance(kind, MembersType):
        return [{**link, "monitors": [names.get(key, key) for key in link["monitors"]]} for link in value]
    if isinstance(kind, StepsType):
        stored = dict(kind.fields.values())
        return [{name: with_names(stored[name], part, names) for name, part in step.items()} for step in value]
    return value


def comparable(kind: FieldType, value: Any) -> Any:
    """A value in the form in which two that mean the same are equal."""
    if isinstance(kind, ListType) and not kind.ordered:
        return sorted(value or (), key=str)
    if isinstance(kind, MembersType):
        return [{"group": link["group"], "monitors": sorted(link["monitors"])} for link in value or ()]
    if isinstance(kind, StepsType):
        return [
            {name: sorted(part, key=str) if isinstance(part, list) else part for name, part in step.items() if part}
            for step in value or ()
        ]
    return value

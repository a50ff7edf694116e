"""Drift of managed monitors: what was applied is kept with the ownership, as the document's own words.

Values of secrets are not among them: these are compared by their keyed hashes. Fields that the document leaves as they
are cannot drift.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vigil.code.core.drift import FieldDrift, field_drifts, patch_lines
from vigil.code.core.fields.types import Json
from vigil.code.core.objects import Wanted
from vigil.code.core.sections.shape import WATCHED
from vigil.code.core.sections.table import SECTIONS
from vigil.code.core.state import Actual
from vigil.code.export import names_in, written_object
from vigil.code.models import ManagedObject
from vigil.code.stored.reading import read_one

_DOCUMENT, _SECRETS, _LEFT = "document", "secrets", "left"


@dataclass(frozen=True, slots=True)
class Drift:
    """What of an object differs from what was applied, and the lines of its file that would say what is there."""

    fields: tuple[FieldDrift, ...]
    patch: str


def applied_of(one: Wanted, hashes: Mapping[str, str]) -> Json:
    """What is kept of an object that is applied, with hashes of its secrets; nothing of what nothing watches."""
    if one.section not in WATCHED:
        return {}
    actual = Actual(one.section, "", "", one.fields, hashes, one.written)
    left = [name for name in SECTIONS[one.section].fields if name not in one.fields]
    return _kept(one.key, actual, {}, one.secrets, left)


def drift_of(owner: ManagedObject) -> Drift | None:
    """The drift of a monitor, heartbeat or composite; None without any, and where nothing was kept to compare with."""
    applied: Json = owner.applied
    one = read_one(owner) if applied else None
    if one is None:
        return None
    ids = names_in(one)
    mentioned = ManagedObject.objects.filter(team=owner.team_id, project=owner.project, public_id__in=ids)
    names = dict(mentioned.values_list("public_id", "key")) if ids else {}
    left = applied[_LEFT]
    named = replace(one, fields={name: value for name, value in one.fields.items() if name not in left})
    # As the column gave the other side: a tuple would differ from its list.
    now: Json = json.loads(json.dumps(_kept(owner.key, named, names, owner.references, left)))
    hashes: Any = applied[_SECRETS]
    changed = sorted(name for name, known in now[_SECRETS].items() if hashes.get(name, known) != known)
    section, sides = SECTIONS[owner.section], (applied[_DOCUMENT], now[_DOCUMENT])
    fields = tuple(field_drifts(section, *sides, changed))
    return Drift(fields, patch_lines(section, (owner.section, owner.key), *sides, changed)) if fields else None


def _kept(key: str, one: Actual, names: Mapping[str, str], references: Mapping[str, str], left: list[str]) -> Json:
    document = written_object(one.section, key, one, names, references)
    return {_DOCUMENT: document, _SECRETS: dict(one.secrets), _LEFT: left}

"""Drift: fields of an object as a document had them and as they are now, and the lines that would say what is. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vigil.code.core.fields.types import Json, ListType
from vigil.code.core.formats.yaml_writer import to_yaml
from vigil.code.core.kind_fields import SECRETS
from vigil.code.core.sections.shape import UNSET, Section
from vigil.code.core.state import Address, comparable

NOT_GIVEN = "not given"
CHANGED_BY_HAND = "another value, set by hand"
#: Fields that are left out while they have this value, and have no default since a document may leave them as they are.
_FLAGS = {"paused": False, "enabled": True}


@dataclass(frozen=True, slots=True)
class FieldDrift:
    """One field in words: its name (`interval`, `http.url`), as it was applied, and as it is now."""

    name: str
    applied: str
    now: str


def field_drifts(section: Section, applied: Json, now: Json, secrets: Iterable[str] = ()) -> list[FieldDrift]:
    """Fields that differ between two ways of writing an object; `secrets` have another value under the same name."""
    found: list[FieldDrift] = []
    for name in dict.fromkeys([*applied, *now]):
        old, new = applied.get(name), now.get(name)
        if _same(section, name, old, new):
            continue
        if _is_block(section, name) and (isinstance(old, Mapping) or isinstance(new, Mapping)):
            found += _settings(name, old or {}, new or {})
        else:
            found.append(FieldDrift(name, _side(section, name, applied), _side(section, name, now)))
    held = applied.get(SECRETS, {})
    return found + [FieldDrift(f"{SECRETS}.{name}", _text(held[name]), CHANGED_BY_HAND) for name in secrets]


def patch_lines(section: Section, address: Address, applied: Json, now: Json, secrets: Iterable[str] = ()) -> str:
    """YAML of the fields that differ, as they are now. What a file must no longer say stands in comments."""
    lines: dict[str, Any] = {}
    gone = []
    for name in dict.fromkeys([*applied, *now]):
        if _same(section, name, applied.get(name), now.get(name)):
            continue
        value = now[name] if name in now else _usual(section, name)
        if value is UNSET:
            gone.append(f"# Take out {name}.")
        else:
            lines[name] = value
    said = [f"# The value of secrets.{name} was changed: what it refers to needs the new one." for name in secrets]
    place, key = address
    body = to_yaml({place: {key: lines}}) if lines else f"{place}:\n  {key}:\n"
    return body + "".join(f"    {line}\n" for line in gone + said)


def _same(section: Section, name: str, old: Any, new: Any) -> bool:
    """Whether both sides mean the same: some lists have no order."""
    field = section.fields.get(name)
    if field is not None and isinstance(field.type, ListType):
        return bool(comparable(field.type, old) == comparable(field.type, new))
    return bool(old == new)


def _is_block(section: Section, name: str) -> bool:
    """Whether a name is no field, but holds settings of a kind, or secrets."""
    return name not in section.fields


def _settings(name: str, old: Any, new: Any) -> Iterable[FieldDrift]:
    old, new = (side if isinstance(side, Mapping) else {"": side} for side in (old, new))
    for part in dict.fromkeys([*old, *new]):
        if old.get(part) != new.get(part):
            sides = (_text(side[part]) if part in side else NOT_GIVEN for side in (old, new))
            yield FieldDrift(f"{name}.{part}" if part else name, *sides)


def _side(section: Section, name: str, side: Json) -> str:
    if name in side:
        return _text(side[name])
    usual = _usual(section, name)
    return NOT_GIVEN if usual is UNSET else f"{_text(usual)} (usual)"


def _usual(section: Section, name: str) -> Any:
    """What holds where a document does not name a field, as documents write it."""
    if name in _FLAGS:
        return _FLAGS[name]
    field = section.fields.get(name)
    if field is None or field.default is UNSET or field.default is None:
        return UNSET
    return field.type.written(field.default)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value) or "none"
    return json.dumps(value, ensure_ascii=False)

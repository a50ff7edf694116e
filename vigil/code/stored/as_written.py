"""What documents write and stored values do not tell: presets, and references in fields that are no secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vigil.code.core.fields.types import Json
from vigil.code.core.kind_fields import PRESET, setting_path
from vigil.code.core.objects import Wanted
from vigil.code.stored.hashes import secret_hash


def written_of(one: Wanted) -> Json:
    """What `ManagedObject.written` keeps of an object."""
    values = _values(one.fields)
    return {path: [text, _hash(values.get(path))] for path, text in one.written.items()}


def still_written(kept: Mapping[str, Any], fields: Mapping[str, Any]) -> Json:
    """What of it still holds: whose stored value is the one that it was applied with."""
    if not kept:
        return {}
    values = _values(fields)
    return {path: text for path, (text, known) in kept.items() if _hash(values.get(path)) == known}


def _values(fields: Mapping[str, Any]) -> Json:
    settings = {setting_path(name): value for name, value in (fields.get("config") or {}).items()}
    return {**fields, **settings, PRESET: [fields.get("kind"), fields.get("config")]}


def _hash(value: Any) -> str:
    return secret_hash(json.dumps(value, sort_keys=True))

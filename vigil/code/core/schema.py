"""JSON Schema of documents, made from the sections and kinds that validation uses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vigil.code.core.durations import PATTERN
from vigil.code.core.fields.types import KEY_PATTERN, REFERENCE_PATTERN, Json
from vigil.code.core.kind_fields import GROUP, PRESET, SECRETS
from vigil.code.core.kinds import Catalogue, KindShape
from vigil.code.core.sections.shape import Section
from vigil.code.core.sections.table import SECTIONS
from vigil.code.core.sections.watched import MONITORS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SECRET: Json = {"type": "string", "pattern": REFERENCE_PATTERN}
_UNITS = ("_ms", "_s")


def schema(catalogue: Catalogue, definitions: Mapping[str, Json], address: str) -> Json:
    """The schema of `version: 1`; `address` is where it is served."""
    shared = {name: _field(MONITORS, name) for name in MONITORS.grouped}
    group = {"type": "object", "properties": shared, "additionalProperties": False}
    sections = {name: _section(section, catalogue) for name, section in SECTIONS.items()}
    key = {"type": "string", "pattern": KEY_PATTERN}
    move = {"type": "object", "properties": {"from": key, "to": key}, "required": ["from", "to"]}
    return {
        "$schema": DIALECT,
        "$id": address,
        "title": "vigil.yaml",
        "description": "Monitors as code for Vigil, version 1.",
        "type": "object",
        "required": ["version"],
        "additionalProperties": False,
        "properties": {
            "$schema": {"type": "string"},
            "version": {"const": 1, "description": "Version of this form."},
            "project": {**key, "description": "Owner of all objects in this document; `default` if left out."},
            "defaults": {**group, "description": "For every monitor that does not say otherwise."},
            "groups": {
                "type": ["object", "null"],
                "additionalProperties": group,
                "description": "Shared fields by name.",
            },
            **sections,
            "moved": {
                "description": "Old keys to new ones: the object and its history stay.",
                "anyOf": [{"type": "object", "additionalProperties": key}, {"type": "array", "items": move}],
            },
        },
        "$defs": {name: _with_durations(part) for name, part in definitions.items()},
    }


def _section(section: Section, catalogue: Catalogue) -> Json:
    properties: Json = {name: _field(section, name) for name in section.fields}
    required = [name for name, field in section.fields.items() if field.required]
    described: Json = {"type": ["object", "null"], "properties": properties, "additionalProperties": False}
    if required:
        described["required"] = required
    if section.grouped:
        properties[GROUP] = {"type": "string", "description": "A name of `groups`, whose fields hold here too."}
    if section.kinds:
        shapes = catalogue.kinds[section.kinds]
        properties |= {kind: _kind(shape) for kind, shape in shapes.items()}
        properties[SECRETS] = {
            "type": "object",
            "additionalProperties": _SECRET,
            "description": "References such as ${env:NAME}, never values.",
        }
        ways = [{"required": [kind]} for kind in shapes]
        if section is MONITORS:
            properties |= _preset(catalogue)
            ways.append({"required": [PRESET]})
        described["oneOf"] = ways
        described["type"] = "object"
    if section.noun == "feed":
        described = {"anyOf": [{"type": "boolean"}, described]}
    return {
        "type": ["object", "null"],
        "description": section.words,
        "propertyNames": {"pattern": section.key_pattern},
        "maxProperties": section.most,
        "additionalProperties": described,
    }


def _field(section: Section, name: str) -> Json:
    field = section.fields[name]
    return {**field.type.schema(), "description": field.words}


def _preset(catalogue: Catalogue) -> Json:
    words: Mapping[str, Json] = {
        "key": {**_SECRET, "description": "A reference to the key, such as ${env:OPENAI_API_KEY}."},
        "billing_acknowledged": {"type": "boolean", "description": "That its checks cost money is known."},
    }
    fields: Json = {name: words.get(name, {"type": "string"}) for name in catalogue.preset_fields}
    return {PRESET: {"enum": list(catalogue.presets), "description": "A service that Vigil knows."}, **fields}


def _kind(shape: KindShape) -> Json:
    described: Json = {"anyOf": [dict(shape.schema), {"type": "null"}]}
    if shape.words:
        described["description"] = shape.words
    return described


def _with_durations(schema: Any) -> Any:
    """A schema that also takes durations for numbers of seconds, references for texts, and a map for headers."""
    if isinstance(schema, list):
        return [_with_durations(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _with_durations(part) for name, part in schema.items()}
    properties = found.get("properties")
    if isinstance(properties, dict):
        for name in list(properties):
            base = next((name.removesuffix(end) for end in _UNITS if name.endswith(end)), name)
            if base not in properties:
                properties[base] = {"type": "string", "pattern": PATTERN, "description": f"`{name}` as a duration."}
        if "headers" in properties:
            pairs = {"type": "object", "additionalProperties": {"type": "string"}}
            properties["headers"] = {"anyOf": [properties["headers"], pairs]}
    return found

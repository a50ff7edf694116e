"""JSON Schemas of tools, made of the types of what they take and answer. Pure."""

from __future__ import annotations

from typing import Any, Literal, get_origin, get_type_hints

import msgspec

from vigil.strict_json import InputProblem, check_json, read_json


class ArgumentsRefused(Exception):
    """Arguments of a call that do not fit the tool; the message says which, and what is wanted."""


def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """JSON Schema 2020-12 with `type: object` at its root, which MCP asks for up to its version 2025-11-25."""
    (root,), others = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    name = str(root["$ref"]).rpartition("/")[2]
    shown = dict(others.pop(name))
    shown.pop("title", None)
    shown.setdefault("required", [])
    return {**shown, "$defs": {key: others[key] for key in sorted(others)}} if others else shown


def arguments_of(given: Any, kind: type[msgspec.Struct]) -> Any:
    """The arguments of a call as their type; raises `ArgumentsRefused`.

    Models and their clients write null for what they leave out, `"5"` or `5.0` for a number, and lists and objects as
    JSON in a text: what such a value can only mean is taken.
    """
    try:
        meant = _as_meant(given or {}, kind)
        check_json(meant)
        return msgspec.convert(meant, kind)
    except (msgspec.ValidationError, InputProblem, RecursionError) as refused:
        wants = ", ".join(field.encode_name for field in msgspec.structs.fields(kind)) or "nothing"
        raise ArgumentsRefused(f"{refused}. It takes: {wants}.") from None


def _as_meant(given: Any, kind: type[msgspec.Struct]) -> Any:
    if not isinstance(given, dict):
        return given
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    types = get_type_hints(kind)
    meant: dict[str, Any] = {}
    for name, value in given.items():
        field = fields.get(name)
        if field is None:
            meant[name] = value
        elif value is not None or field.required:
            meant[name] = _value_as_meant(value, types[field.name])
    return meant


def _value_as_meant(value: Any, wanted: Any) -> Any:
    if isinstance(value, float) and wanted is int and value.is_integer():
        return int(value)
    if not isinstance(value, str) or wanted is str or get_origin(wanted) is Literal:
        return value
    try:
        found = read_json(value)
    except InputProblem:
        return value
    return value if found is None else found

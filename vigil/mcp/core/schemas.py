"""JSON Schemas of tools, made of the types of what they take and answer. Pure."""

from __future__ import annotations

from typing import Any

import msgspec


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
    """The arguments of a call as their type; raises `ArgumentsRefused`."""
    try:
        return msgspec.convert(given or {}, kind)
    except (msgspec.ValidationError, RecursionError) as refused:
        wants = ", ".join(field.encode_name for field in msgspec.structs.fields(kind)) or "nothing"
        raise ArgumentsRefused(f"{refused}. It takes: {wants}.") from None

"""Configurations of monitors and channels as schemas, from the structs that validate them."""

from __future__ import annotations

from typing import Any

import msgspec

Json = dict[str, Any]

_PREFIX = "Config"
_NONE: Json = {"type": "object", "maxProperties": 0, "description": "Of a heartbeat or a composite."}


def described_configs() -> tuple[Json, dict[str, Json]]:
    """Schemas that `config` refers to, by name; and that of `config` for each object that has one."""
    # Imported late: most processes never write a monitor, and the probers load slowly.
    from probes.probers import PROBERS
    from vigil.alerts.channels import CHANNELS

    probers = {kind: prober.spec for kind, prober in PROBERS.items()}
    channels = {kind: found.config for kind, found in CHANNELS.items()}
    types = list(dict.fromkeys([*probers.values(), *channels.values()]))
    shown, found = msgspec.json.schema_components(types, ref_template=f"#/components/schemas/{_PREFIX}{{name}}")
    by_type = dict(zip(types, shown, strict=True))
    for schema in shown:
        # Open: a generated client takes the first that fits, and would drop the fields of others that it shares a host
        # with. The struct still refuses what it does not name.
        named = found[schema["$ref"].rpartition("/")[2].removeprefix(_PREFIX)]
        named.pop("additionalProperties", None)
        if not named.get("properties"):
            named["maxProperties"] = 0
    whole = {f"{_PREFIX}{name}": _plain(schema) for name, schema in found.items()}
    monitor = {"anyOf": [*_of(probers, by_type), _NONE], "description": _words(probers)}
    return whole, {"Monitor": monitor, "Channel": {"anyOf": _of(channels, by_type), "description": _words(channels)}}


def _of(kinds: dict[str, Any], by_type: dict[Any, Json]) -> list[Json]:
    return [by_type[each] for each in dict.fromkeys(kinds.values())]


def _words(kinds: dict[str, Any]) -> str:
    named = "; ".join(f"`{kind}`: {_PREFIX}{each.__name__}" for kind, each in kinds.items())
    return f"By the `kind` beside it; a field that is not of this kind is refused. {named}."


def _plain(schema: Any) -> Any:
    """The same for generators of clients: pairs as lists of two, and no `title`, which names one class twice."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    parts = schema.get("prefixItems", [])
    if parts and all(part == parts[0] for part in parts):
        schema = {**{name: part for name, part in schema.items() if name != "prefixItems"}, "items": parts[0]}
    return {name: _plain(each) for name, each in schema.items() if not (name == "title" and isinstance(each, str))}

"""Resources of a Terraform state of version 3 and before, whose attributes are flat texts. Pure."""

from __future__ import annotations

from typing import Any

from vigil.importers.core.values import mapping, mappings, text, whole

_LIST, _MAP = "#", "%"
_DEPTH_MOST = 12


def modern_form(document: dict[str, Any]) -> dict[str, Any]:
    """The state as version 4 has it, as far as resources go."""
    resources = []
    for module in mappings(document.get("modules")):
        path = [text(each) for each in module.get("path") or [] if text(each) != "root"]
        for address, resource in mapping(module.get("resources")).items():
            if address.startswith("data.") or not isinstance(resource, dict):
                continue
            kind, name, index = [*address.split("."), "", ""][:3]
            instance: dict[str, Any] = {
                "attributes": nested(mapping(mapping(resource.get("primary")).get("attributes")))
            }
            if index:
                instance["index_key"] = whole(index) if index.isdecimal() else index
            place = {"module": ".".join(f"module.{each}" for each in path)} if path else {}
            resources.append({
                "mode": "managed", "type": text(resource.get("type")) or kind, "name": name, "instances": [instance],
                **place,
            })  # fmt: skip
    return {"version": 4, "resources": resources}


def nested(flat: dict[str, Any], depth: int = _DEPTH_MOST) -> dict[str, Any]:
    """Attributes out of their flat form: `a.#` counts a list or set, `a.%` a mapping, `a.0.b` is within."""
    below: dict[str, dict[str, Any]] = {}
    made: dict[str, Any] = {}
    for key, value in flat.items():
        first, dot, rest = key.partition(".")
        if dot:
            below.setdefault(first, {})[rest] = value
        else:
            made[first] = value
    if depth <= 0:
        return made
    for name, parts in below.items():
        is_list = _LIST in parts
        inner = nested({key: value for key, value in parts.items() if key not in (_LIST, _MAP)}, depth - 1)
        # Of a set the keys are hashes.
        made[name] = list(inner.values()) if is_list else inner
    return made

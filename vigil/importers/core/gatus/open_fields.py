"""Fields of a Gatus endpoint that a variable leaves open, where a text with a variable in it means nothing. Pure."""

from __future__ import annotations

from typing import Any

from vigil.importers.core.names import has_reference
from vigil.importers.core.values import mapping, mappings

_CLIENT_FIELDS, _ALERT_FIELDS = ("timeout", "insecure", "ignore-redirect", "network"), ("failure-threshold", "enabled")


def has_open_place(url: str) -> bool:
    """Whether a variable stands where an address needs its scheme, or a socket its port."""
    scheme, found, rest = url.partition("://")
    if has_reference(scheme):
        return bool(found)
    return (
        scheme.lower() not in ("http", "https", "ws", "wss") and has_reference(rest.rpartition(":")[2]) and ":" in rest
    )


def open_fields_of(endpoint: dict[str, Any]) -> list[str]:
    """Fields with a value that only a variable knows, where a text with a variable in it means nothing."""
    alerts = {f"alerts.{name}": each.get(name) for each in mappings(endpoint.get("alerts")) for name in _ALERT_FIELDS}
    client = {f"client.{name}": mapping(endpoint.get("client")).get(name) for name in _CLIENT_FIELDS}
    fields = {name: endpoint.get(name) for name in ("interval", "enabled", "graphql")} | client | alerts
    return [name for name, value in fields.items() if has_reference(value)]

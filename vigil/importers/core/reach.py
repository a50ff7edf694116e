"""Addresses that only a region within their own network reaches. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from vigil.importers.core.names import has_reference

_SHOWN = 3


def note_on_reach(monitors: Mapping[str, Mapping[str, Any]]) -> str:
    """One line on the monitors whose addresses are of this machine or of a private network; "" for none."""
    found = [key for key, entry in monitors.items() if any(_is_private(part) for part in entry.values())]
    if not found:
        return ""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return (
        f"{', '.join(found[:_SHOWN])}{more}: only a region in the same network reaches such an address: name it in "
        "`regions`; `localhost` is the machine of the region itself"
    )


def _is_private(config: Any) -> bool:
    if not isinstance(config, Mapping):
        return False
    host, url = config.get("host"), config.get("url")
    if isinstance(url, str) and not has_reference(url):
        try:
            host = urlsplit(url).hostname
        except ValueError:
            return False
    if not isinstance(host, str) or not host or has_reference(host):
        return False
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan", ".localhost"))

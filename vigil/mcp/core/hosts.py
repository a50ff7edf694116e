"""Hosts that a server answers to, as VIGIL_ALLOWED_HOSTS names them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PORT = re.compile(r":[0-9]{1,5}$")


def is_allowed(authority: str, hosts: Sequence[str]) -> bool:
    """Whether a host with or without a port is one of these: a name, `.example.com` with all below it, or `*`."""
    host = _PORT.sub("", authority).lower().removesuffix(".")
    return bool(host) and any(
        allowed == "*" or host == allowed.lower().lstrip(".") or (allowed[:1] == "." and host.endswith(allowed.lower()))
        for allowed in hosts
    )

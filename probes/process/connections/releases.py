"""Releases of Redis and Valkey without known holes that are open to a region or to the network. Pure.

Looked up on 2026-11-30:
- Redis, CVE-2026-81934: use after free with TLS, without a login. CVE record and redis.io's advisory of 2026-08-27. It
  names no release of 7.0 and of 8.0, which get no corrections any more. Older ones are in these releases too:
  CVE-2026-23479 (blocking commands), CVE-2026-23631 and CVE-2025-49844 (Lua).
- Valkey, CVE-2026-56684: use after free with TLS. Release notes of 8.1.9, 9.0.5 and 9.1.1, 2026-07-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import structlog

_log = structlog.get_logger(__name__)

#: The first release of each branch with these corrections.
PATCHED: Final[Mapping[str, Mapping[tuple[int, int], int]]] = {
    "Redis": {(6, 2): 24, (7, 2): 16, (7, 4): 11, (8, 2): 9, (8, 4): 6, (8, 6): 6, (8, 8): 2, (8, 10): 1},
    "Valkey": {(8, 1): 9, (9, 0): 5, (9, 1): 1},
}


def release_of(info: Mapping[str, Any]) -> tuple[str, str]:
    """Name and version of a server, from the section `server` of its INFO. Valkey also tells which Redis it is like."""
    if info.get("server_name") == "valkey" or "valkey_version" in info:
        return "Valkey", str(info.get("valkey_version", ""))
    return "Redis", str(info.get("redis_version", ""))


def is_patched(name: str, version: str) -> bool:
    """Whether a release has the corrections that an installation with regions elsewhere needs."""
    known = PATCHED[name]
    major, minor, patch = (*(int(part) for part in re.findall(r"\d+", version)[:3]), 0, 0, 0)[:3]
    return (major, minor) > max(known) or patch >= known.get((major, minor), patch + 1)


def patched_releases(name: str) -> str:
    """The first release of each branch, for people."""
    return ", ".join(f"{major}.{minor}.{patch}" for (major, minor), patch in PATCHED[name].items())


def warn_of_holes(info: Mapping[str, Any]) -> None:
    """Say in the log that a server has known holes."""
    name, version = release_of(info)
    if not is_patched(name, version):
        _log.warning("redis.known_holes", release=f"{name} {version}", use=f"{patched_releases(name)} or later")

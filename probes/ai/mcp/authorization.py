"""Authorization of MCP: the challenge of a 401 or 403, and the metadata of a protected resource. Pure.

Sources: "Authorization" of the specification, RFC 6750 (Bearer) and RFC 9728 (Protected Resource Metadata).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

_BEARER = re.compile(r"\bbearer\b", re.IGNORECASE)
_PARAMETER = re.compile(r'([a-z_]{1,40})\s*=\s*(?:"([^"]{0,2048})"|([^\s,"]{1,2048}))', re.IGNORECASE)
_HEADER_MOST, _SERVERS_MOST = 8_192, 10
_WELL_KNOWN = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for: where its metadata is, which scopes it wants, and the error it names."""

    metadata: str = ""
    scope: str = ""
    error: str = ""

    @property
    def is_scope(self) -> bool:
        """Whether the token is good and allows too little."""
        return self.error == "insufficient_scope"


def challenge_of(header: str) -> Challenge:
    """The challenge of a `WWW-Authenticate` header; empty where there is none for a bearer token."""
    header = header[:_HEADER_MOST]
    if not _BEARER.search(header):
        return Challenge()
    found = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(header)}
    return Challenge(found.get("resource_metadata", ""), found.get("scope", "")[:200], found.get("error", "")[:60])


def metadata_urls(endpoint: str, challenge: Challenge) -> Sequence[str]:
    """Where the metadata may be: where the challenge says, else at the well-known places of the endpoint's path.

    An address on another host or without TLS is not asked: a stranger there could answer for this server.
    """
    parts = urlsplit(endpoint)
    root = f"{parts.scheme}://{parts.netloc}"
    if challenge.metadata:
        return [challenge.metadata] if _same_host(endpoint, challenge.metadata) else []
    path = parts.path.rstrip("/")
    return [f"{root}{_WELL_KNOWN}{path}", f"{root}{_WELL_KNOWN}"] if path else [f"{root}{_WELL_KNOWN}"]


class _Metadata(msgspec.Struct):
    resource: str
    authorization_servers: list[str] = []


def metadata_problem(body: bytes, endpoint: str) -> str:
    """What is wrong with the metadata of a protected resource; empty when it is that of this endpoint."""
    try:
        found = msgspec.json.decode(body, type=_Metadata)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return "its metadata is no JSON with a resource"
    if not _same_host(endpoint, found.resource):
        return "its metadata is that of another resource"
    if not found.authorization_servers or len(found.authorization_servers) > _SERVERS_MOST:
        return "its metadata names no authorization server"
    return ""


def _same_host(endpoint: str, other: str) -> bool:
    try:
        here, there = urlsplit(endpoint), urlsplit(other)
        default = 443 if here.scheme == "https" else 80
        ports = here.port or default, there.port or default
    except ValueError:
        return False
    same_scheme = here.scheme == there.scheme and ports[0] == ports[1]
    return same_scheme and bool(here.hostname) and (here.hostname or "").lower() == (there.hostname or "").lower()

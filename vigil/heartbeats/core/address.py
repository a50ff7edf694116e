"""Ping address: parses the target heartbeat, ping kind, exit code and run id from a URL. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from vigil.heartbeats.core.wire import Address, PingKind

MAX_TARGET = 600
MAX_RID = 64

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SLUG = r"[a-z0-9](?:[a-z0-9_-]{0,98}[a-z0-9])?"
#: Slugs of deleted heartbeats begin with it.
RESERVED = "deleted-"
#: A team's key is recognised by its length and alphabet.
KEY = r"[0-9A-Za-z]{22}"
_SAYS = r"(?:/(start|fail|log|success|[0-9]{1,3}))?/?"
_PATH = re.compile(rf"(?:/ping)?/(?:({_UUID})|({KEY})/(?!{RESERVED})({SLUG})){_SAYS}", re.ASCII)
_RID = re.compile(rf"[0-9A-Za-z._:-]{{1,{MAX_RID}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PingCall:
    """Parsed address: target, ping kind, exit code and run id."""

    address: Address
    kind: PingKind
    exit_code: int | None = None
    rid: str = ""


def read_target(target: str) -> PingCall | None:
    """Parse the path and query of a request; None if it is not a ping address."""
    path, _, query = target.partition("?")
    read = _PATH.fullmatch(path) if len(target) <= MAX_TARGET else None
    if read is None:
        return None
    code, key, slug, says = read.groups()
    rid, create = "", False
    if query:
        try:
            fields = dict(parse_qsl(query, max_num_fields=10))
        except ValueError:
            return None
        rid, create = fields.get("rid", ""), fields.get("create") == "1"
        if rid and not _RID.fullmatch(rid):
            return None
    kind, exit_code = _meaning(says)
    if kind is None:
        return None
    return PingCall(Address(code or "", key or "", slug or "", create), kind, exit_code, rid)


def _meaning(says: str | None) -> tuple[PingKind | None, int | None]:
    if says is None:
        return PingKind.SUCCESS, None
    if says.isdigit():
        number = int(says)
        if number > 255:
            return None, None
        return (PingKind.FAIL if number else PingKind.SUCCESS), number
    return PingKind(says), None

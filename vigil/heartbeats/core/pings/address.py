"""Ping address: parses the target heartbeat, ping kind, exit code and run id from a URL. Pure.

What cannot be kept, such as an odd run id, is dropped or replaced beside the ping, never with it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from vigil.heartbeats.core.pings.outcome_words import WELL, Outcome, failure_in, outcome_of
from vigil.heartbeats.core.pings.wire import Address, PingKind

#: What is read of a path, and of a query (characters); of a query's fields.
MAX_TARGET, MAX_QUERY, MAX_FIELDS = 600, 4_000, 50
MAX_RID = 64

#: With or without hyphens, in capitals or not.
_UUID = r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"
SLUG = r"[a-z0-9](?:[a-z0-9_-]{0,98}[a-z0-9])?"
#: Slugs of deleted heartbeats begin with it.
RESERVED = "deleted-"
#: A team's key is recognised by its length and alphabet.
KEY = r"[0-9A-Za-z]{22}"
_PATH = re.compile(rf"(?:/ping)?/(?:({_UUID})|({KEY})/((?i:(?!{RESERVED}){SLUG})))(?:/(.*))?", re.ASCII | re.DOTALL)
#: What nearly all calls look like; it needs no more reading.
_USUAL = re.compile(
    r"(?:/ping)?/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:/(start|fail|log|success|[0-9]{1,3}))?"
    rf"(?:\?rid=([0-9A-Za-z._:-]{{1,{MAX_RID}}}))?",
    re.ASCII,
)
_NOT_RID = re.compile(r"[^0-9A-Za-z._:-]", re.ASCII)
_ORIGIN = re.compile(r"https?://[^/?]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PingCall:
    """Parsed address: target, ping kind, exit code and run id. `word` is an outcome that is no code of a shell."""

    address: Address
    kind: PingKind
    exit_code: int | None = None
    rid: str = ""
    word: str = ""


def read_target(target: str) -> PingCall | None:
    """Parse the path and query of a request; None if it is not a ping address."""
    usual = _USUAL.fullmatch(target)
    if usual is not None:
        code, says, rid = usual.groups()
        outcome = outcome_of(says) if says else WELL
        return PingCall(Address(code), outcome.kind, outcome.exit_code, rid or "", outcome.word)
    origin = _ORIGIN.match(target)
    path, _, query = (target[origin.end() :] if origin else target).partition("?")
    read = _PATH.fullmatch(re.sub("/{2,}", "/", unquote(path[:MAX_TARGET]).strip()))
    if read is None:
        return None
    code, key, slug, says = read.groups()
    fields = _fields(query)
    named = dict(fields)
    outcome = _outcome(says, fields)
    address = Address(_code(code or ""), key or "", (slug or "").lower(), named.get("create") == "1")
    return PingCall(address, outcome.kind, outcome.exit_code, rid_of(named.get("rid", "")), outcome.word)


def rid_of(text: str) -> str:
    """A run id as it is kept. Each odd one becomes another, so that the end of a run still finds its start."""
    plain = _NOT_RID.sub("_", text)
    if plain == text and len(text) <= MAX_RID:
        return text
    return f"{plain[: MAX_RID - 13]}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _outcome(says: str | None, fields: list[tuple[str, str]]) -> Outcome:
    """What the path says; a failure in the query counts, unless the path says that a run starts or goes on."""
    # `/1/` is `/1`, but a slash with nothing behind it is the place of a variable that was empty.
    said = WELL if says is None else outcome_of(says.rstrip("/"))
    return (failure_in(fields) or said) if said.kind is PingKind.SUCCESS else said


def _fields(query: str) -> list[tuple[str, str]]:
    pairs = (pair.partition("=") for pair in query[:MAX_QUERY].split("&")[:MAX_FIELDS])
    # A name alone is said: `?fail`.
    return [(unquote_plus(name), unquote_plus(value) if equals else "1") for name, equals, value in pairs if name]


def _code(text: str) -> str:
    digits = text.replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])) if digits else ""

"""Ping body: keyword rules, and metrics that an AI job reports about its run. Pure.

A body is untrusted: no regular expression backtracks, and unreadable parts are ignored. `facts_of` and `text_of` give
only what PostgreSQL can store.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from probes.text import storable
from vigil.heartbeats.core.broken_json import error_word
from vigil.heartbeats.core.wire import Ping, PingKind

MAX_KEYWORDS, MAX_KEYWORD_LENGTH = 20, 100
#: A longer body is job output and is not parsed.
_MAX_FACTS = 20_000
_MAX_COUNT = 1e15
_MAX_WORDS, _MAX_MODEL = 300, 100
#: What is shown of an error that has no text that can be stored.
UNREADABLE = "an error without readable text"
#: What is noted of a JSON object that is none.
UNREAD = "the body is no JSON that can be read"
#: White space, byte order marks and the zeros of UTF-16 and UTF-32, and how many of them are passed.
_LEADING, _BEGINNING = b" \t\r\n\0\xef\xbb\xbf\xff\xfe", 100
#: A whole number of more digits is no count; to make it one would cost the square of its length.
_MAX_DIGITS = 30


@dataclass(frozen=True, slots=True)
class Keywords:
    """Keywords that decide the kind of a ping with a body; failure counts before success.

    `otherwise` is the kind of a body without any of them; None keeps the kind of the address. Keywords apply to the
    plain address only, since /fail and /start state the kind already.
    """

    success: tuple[str, ...] = ()
    fail: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    otherwise: PingKind | None = None

    def __bool__(self) -> bool:
        return bool(self.success or self.fail or self.start)


@dataclass(frozen=True, slots=True)
class Facts:
    """Metrics that an AI job reports about its run; None if missing."""

    items: float | None = None
    tokens: float | None = None
    cost: float | None = None
    model: str = ""
    error: str = ""
    #: Why a body that began as a JSON object was not read.
    unread: str = ""

    def as_stored(self) -> dict[str, float | str]:
        """Reported metrics only."""
        told = {
            "items": self.items,
            "tokens": self.tokens,
            "cost": self.cost,
            "model": self.model,
            "error": self.error,
            "unread": self.unread,
        }
        return {name: value for name, value in told.items() if value not in (None, "")}


def understood(ping: Ping, keywords: Keywords) -> tuple[Ping, Facts]:
    """Apply keyword rules and read the metrics of the body.

    1. A plain ping gets its kind from the keywords.
    2. A success that reports an error is a failure.
    """
    facts = read_facts(ping.body) if ping.body else Facts()
    kind = ping.kind
    if keywords and kind is PingKind.SUCCESS and ping.exit_code is None:
        kind = _by_keywords(ping.body, keywords)
    if kind is PingKind.SUCCESS and facts.error:
        kind = PingKind.FAIL
    return (ping if kind is ping.kind else msgspec.structs.replace(ping, kind=kind)), facts


def read_facts(body: bytes) -> Facts:
    """Metrics of a body that is a JSON object; else none.

    Of an object that is too long or cannot be read, only the error is taken: a failure stays one. Without an error the
    ping means what its address says.
    """
    if not _begins_object(body):
        return Facts()
    if len(body) > _MAX_FACTS:
        return Facts(error=_error_of_unreadable(body))
    try:
        told = json.loads(body, parse_int=_whole)
    except (ValueError, RecursionError):
        return Facts(error=_error_of_unreadable(body), unread=UNREAD)
    return facts_of(told) if isinstance(told, dict) else Facts()


def _begins_object(body: bytes) -> bool:
    """Whether a body is meant as a JSON object, with or without a byte order mark."""
    return body[:_BEGINNING].lstrip(_LEADING).startswith(b"{")


def _error_of_unreadable(body: bytes) -> str:
    word = error_word(body.decode(json.detect_encoding(body), "replace"))
    if not word.startswith('"'):
        return UNREADABLE if word else ""
    return _words(word.strip('"')) or UNREADABLE


def facts_of(told: Mapping[str, Any]) -> Facts:
    """Metrics of an object: numbers from 0 to a quadrillion, and storable texts cut to a limit."""
    return Facts(
        items=_number(told.get("items")),
        tokens=_number(told.get("tokens")),
        cost=_number(told.get("cost")),
        model=_words(told.get("model"))[:_MAX_MODEL],
        error=_error(told.get("error")),
    )


def text_of(body: bytes) -> str:
    """A body as text that can be stored."""
    text = body.decode("utf-8", "replace")
    return storable(text.replace("\0", "�"), len(text), breaks=True)


def last_words(body: bytes) -> str:
    """The last lines of a job's output, for a quote."""
    text = " ".join(text_of(body[-4 * _MAX_WORDS :]).split())
    return text if len(text) <= _MAX_WORDS else "…" + text[-_MAX_WORDS:]


def _by_keywords(body: bytes, keywords: Keywords) -> PingKind:
    # As it was written: nothing of this is kept.
    text = body.decode("utf-8", "replace")
    for kind, words in ((PingKind.FAIL, keywords.fail), (PingKind.SUCCESS, keywords.success)):
        if any(word in text for word in words):
            return kind
    if any(word in text for word in keywords.start):
        return PingKind.START
    return keywords.otherwise or PingKind.SUCCESS


def _whole(digits: str) -> float:
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Also false for what is no number, and true for no whole number that is too long for a float.
    return float(value) if 0 <= value <= _MAX_COUNT else None


def _error(value: Any) -> str:
    if value in (None, False) or (isinstance(value, str) and not value.strip()):
        return ""
    # An error is one whatever it is made of, or a failure would pass for a success.
    return _words(value) or UNREADABLE


def _words(value: Any) -> str:
    if value is None:
        return ""
    try:
        text = value if isinstance(value, str) else json.dumps(value)
    except (ValueError, RecursionError):
        text = UNREADABLE
    # Line breaks count as spaces: they are no part of what is left out.
    return storable(" ".join(text.replace("\0", " ").split()), _MAX_WORDS)

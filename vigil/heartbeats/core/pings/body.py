"""Ping body: keyword rules, and metrics that an AI job reports about its run. Pure.

A body is untrusted: no regular expression backtracks, and unreadable parts are ignored. `facts_of` and `text_of` give
only what PostgreSQL can store.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from probes.text import storable
from vigil.heartbeats.core.pings.broken_json import error_word
from vigil.heartbeats.core.pings.outcome_words import failure_in, fields_of
from vigil.heartbeats.core.pings.wire import Ping, PingKind

MAX_KEYWORDS, MAX_KEYWORD_LENGTH = 20, 100
#: A longer body is job output: of an object that long, only the error is taken.
_MAX_FACTS = 20_000
#: A longer body is no form; of one, so many fields are read.
_MAX_FORM, _MAX_FIELDS = 4_000, 50
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
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Keywords:
    """Keywords that decide the kind of a ping with a body; failure counts before success.

    `otherwise` is the kind of a body without any of them; None keeps the kind of the address. Keywords apply to the
    plain address, since /fail and /start state the kind already; those for failure also beside exit code 0.
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

    1. A plain ping gets its kind from the keywords; one with exit code 0 is a failure by those for failure.
    2. A success that reports an error, or a code that is not 0, is a failure.
    """
    told, facts = _read(ping.body)
    kind, code, word = ping.kind, ping.exit_code, ping.word
    if keywords and kind is PingKind.SUCCESS:
        found = _by_keywords(ping, keywords)
        kind = found if code is None or found is PingKind.FAIL else kind
    if kind is PingKind.SUCCESS:
        failed = failure_in(fields_of(told)) or failure_in(_form(ping.body))
        if failed is not None:
            kind, code, word = PingKind.FAIL, failed.exit_code, failed.word
        elif facts.error:
            kind = PingKind.FAIL
    if kind is ping.kind:
        return ping, facts
    return msgspec.structs.replace(ping, kind=kind, exit_code=code, word=word), facts


def read_facts(body: bytes) -> Facts:
    """Metrics of a body that is a JSON object; else none.

    Of an object that is too long or cannot be read, only the error is taken: a failure stays one. Without an error the
    ping means what its address says.
    """
    return _read(body)[1]


def _read(body: bytes) -> tuple[dict[str, Any], Facts]:
    """The object that a body is, and its metrics; empty ones for any other body."""
    if not _begins_object(body):
        return {}, Facts()
    if len(body) > _MAX_FACTS:
        return {}, Facts(error=_error_of_unreadable(body))
    try:
        told = _json(body)
    except (ValueError, RecursionError):
        return {}, Facts(error=_error_of_unreadable(body), unread=UNREAD)
    return (told, facts_of(told)) if isinstance(told, dict) else ({}, Facts())


def _json(body: bytes) -> object:
    try:
        return json.loads(body, parse_int=_whole)
    except UnicodeDecodeError:
        # Not UTF-8: the older default of Windows.
        return json.loads(body.decode("cp1252", "replace"), parse_int=_whole)


def _form(body: bytes) -> list[tuple[str, str]]:
    """Fields of a body that is one line of a form."""
    if not 0 < len(body) <= _MAX_FORM or b"=" not in body or body.split() != [body.strip()]:
        return []
    return parse_qsl(decoded(body).strip(), keep_blank_values=True)[:_MAX_FIELDS]


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


def decoded(body: bytes) -> str:
    """A body as text: UTF-16 by its mark or its zeros, else UTF-8."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    if body[:200].count(0) * 3 > len(body[:200]):
        return body.decode("utf-16-be" if body.startswith(b"\0") else "utf-16-le", "replace")
    return body.decode("utf-8-sig", "replace")


def text_of(body: bytes) -> str:
    """A body as text that can be stored."""
    text = decoded(body)
    return storable(text.replace("\0", "�"), len(text), breaks=True)


def last_words(body: bytes) -> str:
    """The last lines of a job's output, for a quote."""
    text = " ".join(text_of(body[-4 * _MAX_WORDS :]).split())
    return text if len(text) <= _MAX_WORDS else "…" + text[-_MAX_WORDS:]


def _by_keywords(ping: Ping, keywords: Keywords) -> PingKind:
    texts = list(_readings(ping))
    for kind, words in (
        (PingKind.FAIL, keywords.fail),
        (PingKind.SUCCESS, keywords.success),
        (PingKind.START, keywords.start),
    ):
        if any(word in text for text in texts for word in words):
            return kind
    return keywords.otherwise or PingKind.SUCCESS


def _readings(ping: Ping) -> Iterator[str]:
    """A body as its words may be written: plain, in another charset, as a form, with escapes. Nothing of it is kept."""
    text = decoded(ping.body)
    yield text
    if ping.heard:
        yield ping.heard.decode("utf-8", "replace")
    if not ping.body.isascii():
        yield ping.body.decode("utf-8", "replace")
        yield ping.body.decode("cp1252", "replace")
    if "+" in text or "%" in text:
        yield unquote_plus(text)
    if "\\u" in text:
        yield _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


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

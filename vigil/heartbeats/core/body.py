"""What the body of a ping means: keyword rules, and what an AI job tells of its run. Pure.

A body is untrusted: nothing here backtracks, and what is not understood counts as not said.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from vigil.heartbeats.core.wire import Ping, PingKind

MAX_KEYWORDS, MAX_KEYWORD_LENGTH = 20, 100
#: A body of facts is small; a longer one is output, and is not parsed.
_MAX_FACTS = 20_000
_MAX_COUNT = 1e15
_MAX_WORDS = 300


@dataclass(frozen=True, slots=True)
class Keywords:
    """Words that decide what a ping with a body means; of several that are there, failure counts before success.

    `otherwise` is what a body without any of them means; None leaves the ping as its address says. Words are only
    sought in pings to the plain address: one to /fail or /start has said already what it means.
    """

    success: tuple[str, ...] = ()
    fail: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    otherwise: PingKind | None = None

    def __bool__(self) -> bool:
        return bool(self.success or self.fail or self.start)


@dataclass(frozen=True, slots=True)
class Facts:
    """What an AI job told of its run; None for what it did not tell."""

    items: float | None = None
    tokens: float | None = None
    cost: float | None = None
    model: str = ""
    error: str = ""

    def as_stored(self) -> dict[str, float | str]:
        """Only what was told."""
        told = {"items": self.items, "tokens": self.tokens, "cost": self.cost, "model": self.model, "error": self.error}
        return {name: value for name, value in told.items() if value not in (None, "")}


def understood(ping: Ping, keywords: Keywords) -> tuple[Ping, Facts]:
    """The ping as it is meant, and the facts in its body.

    1. A plain ping means what the keywords say.
    2. A success that tells an error is a failure.
    """
    facts = read_facts(ping.body) if ping.body else Facts()
    kind = ping.kind
    if keywords and kind is PingKind.SUCCESS and ping.exit_code is None:
        kind = _by_keywords(ping.body, keywords)
    if kind is PingKind.SUCCESS and facts.error:
        kind = PingKind.FAIL
    return (ping if kind is ping.kind else msgspec.structs.replace(ping, kind=kind)), facts


def read_facts(body: bytes) -> Facts:
    """The facts in a body that is a JSON object; no facts in any other."""
    if len(body) > _MAX_FACTS or not body.lstrip().startswith(b"{"):
        return Facts()
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return Facts()
    return facts_of(told) if isinstance(told, dict) else Facts()


def facts_of(told: Mapping[str, Any]) -> Facts:
    """The facts in an object: numbers that are finite and not negative, words cut to a sensible length."""
    error = told.get("error")
    return Facts(
        items=_number(told.get("items")),
        tokens=_number(told.get("tokens")),
        cost=_number(told.get("cost")),
        model=_words(told.get("model"))[:100],
        error=_words(error) if error not in (None, False, "") else "",
    )


def text_of(body: bytes) -> str:
    """A body as people read it."""
    return body.decode("utf-8", "replace").replace("\0", "�")


def last_words(body: bytes) -> str:
    """The end of a job's output, to be quoted."""
    text = " ".join(text_of(body[-4 * _MAX_WORDS :]).split())
    return text if len(text) <= _MAX_WORDS else "…" + text[-_MAX_WORDS:]


def _by_keywords(body: bytes, keywords: Keywords) -> PingKind:
    text = text_of(body)
    for kind, words in ((PingKind.FAIL, keywords.fail), (PingKind.SUCCESS, keywords.success)):
        if any(word in text for word in words):
            return kind
    if any(word in text for word in keywords.start):
        return PingKind.START
    return keywords.otherwise or PingKind.SUCCESS


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or not 0 <= value <= _MAX_COUNT:
        return None
    return float(value)


def _words(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)[:_MAX_WORDS] if value is not None else ""
    return " ".join(text.replace("\0", " ").split())[:_MAX_WORDS]

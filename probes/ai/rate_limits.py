"""Rate-limit and retry headers of providers, in all their spellings, as facts: what this key may still do."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from probes.wire import Fact

#: The longest wait that a target can talk us into (seconds).
RETRY_AFTER_MOST_S = 3600.0

_FIELDS = ("limit", "remaining", "reset")
#: What providers call the thing they count -> what we call it.
_COUNTED = {
    "": "requests",
    "requests": "requests",
    "req-minute": "requests",
    "requests-minute": "requests",
    "tokens": "tokens",
    "tokens-minute": "tokens",
    "tokens_usage_based": "tokens_usage_based",
    "input-tokens": "input_tokens",
    "tokens-prompt": "input_tokens",
    "output-tokens": "output_tokens",
    "tokens-generated": "output_tokens",
}
#: Headers outside any pattern.
_ODD = {
    "x-trial-endpoint-call-limit": ("requests", "limit"),
    "x-trial-endpoint-call-remaining": ("requests", "remaining"),
    "x-endpoint-monthly-call-limit": ("requests", "limit"),
    "x-tokenlimit-limit": ("tokens", "limit"),
    "x-tokenlimit-remaining": ("tokens", "remaining"),
    # Mistral counts tokens, by minute and by month.
    "ratelimitbysize-limit": ("tokens", "limit"),
    "ratelimitbysize-remaining": ("tokens", "remaining"),
    "ratelimitbysize-reset": ("tokens", "reset"),
    "x-ratelimitbysize-limit-minute": ("tokens", "limit"),
    "x-ratelimitbysize-remaining-minute": ("tokens", "remaining"),
    "x-ratelimitbysize-limit-month": ("tokens_month", "limit"),
    "x-ratelimitbysize-remaining-month": ("tokens_month", "remaining"),
}
#: Fireworks: the request was served above the limit.
_OVER_LIMIT = "x-ratelimit-over-limit"
_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-", "ratelimit-")
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|us|s|m|h|d))+\Z", re.ASCII)
_PART = re.compile(r"([\d.]+)(ms|us|s|m|h|d)", re.ASCII)
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?\Z", re.ASCII)
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
#: Numbers above these are instants, in seconds and in milliseconds since 1970, not durations.
_EPOCH_S, _EPOCH_MS = 1e9, 1e12


def headroom(headers: Iterable[tuple[str, str]], now_s: float) -> dict[str, Fact]:
    """Facts `ratelimit_<requests|tokens|...>_<limit|remaining|reset_s>` of (lower-case) headers; empty when none."""
    facts: dict[str, Fact] = {}
    for name, value in headers:
        if "limit" not in name and name not in _ODD:
            continue
        if name == _OVER_LIMIT and value.strip().lower() in ("yes", "true"):
            facts["ratelimit_over"] = True
            continue
        place = _ODD.get(name) or _place(name)
        if place is None:
            continue
        counted, field = place
        if field == "reset":
            seconds = seconds_until(value, now_s)
            if seconds is not None:
                facts.setdefault(f"ratelimit_{counted}_reset_s", round(seconds, 3))
        elif _NUMBER.match(value.strip()):
            # Some send -1 for "not applicable", which the pattern leaves out.
            facts.setdefault(f"ratelimit_{counted}_{field}", int(float(value)))
    return facts


def retry_after_s(headers: Iterable[tuple[str, str]], now_s: float) -> float:
    """How long the target asks to be left alone (seconds, at most an hour); 0 when it does not ask."""
    asked = 0.0
    for name, value in headers:
        if name == "retry-after-ms" and _NUMBER.match(value.strip()):
            return min(float(value) / 1000, RETRY_AFTER_MOST_S)
        if name == "retry-after":
            asked = seconds_until(value, now_s) or 0.0
    return min(asked, RETRY_AFTER_MOST_S)


def seconds_until(text: str, now_s: float) -> float | None:
    """Seconds from now, of "12ms", "6m0s", "30", an epoch, an RFC 3339 time or an HTTP date; None for anything else."""
    text = text.strip()[:64]
    if _NUMBER.match(text):
        number = float(text)
        if number < _EPOCH_S:
            return number
        return max(0.0, (number / 1000 if number >= _EPOCH_MS else number) - now_s)
    if _DURATION.match(text):
        return math.fsum(float(amount) * _SECONDS[unit] for amount, unit in _PART.findall(text))
    instant = _instant(text)
    return None if instant is None else max(0.0, instant - now_s)


def _place(name: str) -> tuple[str, str] | None:
    """("requests", "remaining") of `x-ratelimit-remaining-requests` or `anthropic-ratelimit-requests-remaining`."""
    for prefix in _PREFIXES:
        if not name.startswith(prefix):
            continue
        rest = name[len(prefix) :]
        for field in _FIELDS:
            if rest == field or rest.startswith(field + "-"):
                counted = _COUNTED.get(rest[len(field) + 1 :])
            elif rest.endswith("-" + field):
                counted = _COUNTED.get(rest[: -len(field) - 1])
            else:
                continue
            return (counted, field) if counted else None
    return None


def _instant(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None

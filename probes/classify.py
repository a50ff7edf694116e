"""What an HTTP status means for a monitor: the one place where codes become reasons."""

from __future__ import annotations

from functools import lru_cache

from probes.reasons import Reason, Status

_OVERLOADED = 529
_QUOTA_WORDS = (
    b"insufficient_quota",
    b"exceeded your current quota",
    b"billing_hard_limit",
    b"credit balance is too low",
)


def classify(code: int, body: bytes, expected: tuple[str, ...]) -> tuple[Status, Reason, str]:
    """Status, reason and text of an answer; what the monitor expects passes, whatever the code says."""
    if code in codes(expected):
        return Status.UP, Reason.OK, ""
    text = f"answered {code}"
    if code in (401, 403):
        return Status.DOWN, Reason.AUTH, f"{text}: the key or the login is refused"
    if code == 402 or (code == 429 and any(word in body for word in _QUOTA_WORDS)):
        return Status.DOWN, Reason.QUOTA, f"{text}: the account has no quota left"
    if code == 429:
        return Status.DEGRADED, Reason.RATE_LIMITED, f"{text}: too many requests"
    if code == _OVERLOADED:
        return Status.DEGRADED, Reason.OVERLOADED, f"{text}: overloaded"
    if 500 <= code < 600:
        return Status.DOWN, Reason.HTTP_5XX, text
    if 400 <= code < 500:
        return Status.DOWN, Reason.HTTP_4XX, text
    return Status.DOWN, Reason.UNEXPECTED_STATUS, f"{text}, expected {', '.join(expected)}"


@lru_cache(maxsize=1024)
def codes(expected: tuple[str, ...]) -> frozenset[int]:
    """The status codes in ranges like "200" and "200-299"; raises ValueError for anything else."""
    found: set[int] = set()
    for text in expected:
        first, dash, last = text.partition("-")
        if not (first.isascii() and first.isdigit() and (not dash or (last.isascii() and last.isdigit()))):
            raise ValueError(f"{text[:20]!r} is neither a code like 200 nor a range like 200-299")
        low, high = int(first), int(last or first)
        if not 100 <= low <= high <= 599:
            raise ValueError(f"{text[:20]!r} is not within 100 to 599, smaller first")
        found.update(range(low, high + 1))
    return frozenset(found)

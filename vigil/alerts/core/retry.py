"""Retry policy: exponential backoff with full jitter, and when to give up or escalate. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from random import Random

#: Longest wait after the 1st, 2nd, ... failed attempt, in seconds; the last value repeats.
SCHEDULE_S = (5, 15, 30, 60, 120, 300, 600, 900)
MAX_RETRY_AFTER_S = 900.0
GIVE_UP_AFTER = timedelta(hours=24)
FALLBACK_AFTER = timedelta(seconds=120)
#: Attempts of which nothing was recorded, since their process died: after so many a message is sent alone, and from so
#: many on a dead letter tells of it. It is not given up: its process may have died of something else.
ALONE_AFTER, TOLD_AFTER = 3, 8
ALONE_AGAIN_MOST_S = 60.0
RETRIED_CODES = frozenset({408, 425, 429})


class AnswerClass(StrEnum):
    """Meaning of an HTTP status for a delivery."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True)
class Next:
    """Next action after a failed attempt: retry after `wait_s`, or stop."""

    dead: bool
    wait_s: float = 0.0


def class_of(code: int) -> AnswerClass:
    """Class of an HTTP status: 2xx accepted; 408, 425, 429 and 5xx retried; all others permanent."""
    if 200 <= code < 300:
        return AnswerClass.ACCEPTED
    if code in RETRIED_CODES or 500 <= code < 600:
        return AnswerClass.RETRY
    return AnswerClass.PERMANENT


def after_failure(attempts: int, age: timedelta, *, permanent: bool, retry_after_s: float | None, seed: str) -> Next:
    """Next action after attempt number `attempts`: full jitter, or the receiver's Retry-After up to 15 minutes."""
    if permanent or age >= GIVE_UP_AFTER:
        return Next(dead=True)
    longest = SCHEDULE_S[min(attempts, len(SCHEDULE_S)) - 1]
    wait_s = Random(f"{seed}:{attempts}").uniform(0, longest)
    if retry_after_s is not None:
        wait_s = max(wait_s, min(float(retry_after_s), MAX_RETRY_AFTER_S))
    return Next(dead=False, wait_s=wait_s)


def alone_again_s(unfinished: int) -> float:
    """Seconds until a message that is sent alone may be claimed again, if this attempt does not end either.

    Once what killed its process is over, it is on its way within a minute.
    """
    return min(ALONE_AGAIN_MOST_S, float(SCHEDULE_S[min(max(0, unfinished - ALONE_AFTER), len(SCHEDULE_S) - 1)]))


def is_given_up(unfinished: int, age: timedelta) -> bool:
    """Whether a message of so many attempts without an outcome is tried no more: when it is as old as any that is."""
    return unfinished >= TOLD_AFTER and age >= GIVE_UP_AFTER


def died_words(unfinished: int) -> str:
    """What is told of a message that ended its process so often."""
    return f"its sender died {unfinished} times while it sent this, {unfinished - ALONE_AFTER} times alone"


def parse_retry_after(header: str | None, date: str | None = None) -> float | None:
    """Seconds of a Retry-After header; a date counts from the response's Date header. None if unreadable."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return float(text)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(date or "")
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())

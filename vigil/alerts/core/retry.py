"""When to try again, when to give up, and when to call for help. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from random import Random

#: Seconds to wait after the 1st, 2nd, ... failed attempt, at most; the last value repeats.
SCHEDULE_S = (5, 15, 30, 60, 120, 300, 600, 900)
MAX_RETRY_AFTER_S = 900
GIVE_UP_AFTER = timedelta(hours=24)
FALLBACK_AFTER = timedelta(seconds=120)
#: Answers of a receiver that may well accept the same message later.
RETRIED_CODES = frozenset({408, 425, 429})


class AnswerClass(StrEnum):
    """What an answer means for a delivery."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True)
class Next:
    """What to do after a failed attempt: try again after `wait_s`, or stop."""

    dead: bool
    wait_s: float = 0.0


def class_of(code: int) -> AnswerClass:
    """What an HTTP status code means: 2xx accepted; 408, 425, 429 and 5xx again; all else never."""
    if 200 <= code < 300:
        return AnswerClass.ACCEPTED
    if code in RETRIED_CODES or 500 <= code < 600:
        return AnswerClass.RETRY
    return AnswerClass.PERMANENT


def after_failure(attempts: int, age: timedelta, *, permanent: bool, retry_after_s: float | None, seed: str) -> Next:
    """What to do after attempt number `attempts` failed on a delivery that is `age` old.

    The wait has full jitter, so that a receiver that comes back is not met by everyone at once; the receiver's own
    wish is honoured up to 15 minutes.
    """
    if permanent or age >= GIVE_UP_AFTER:
        return Next(dead=True)
    longest = SCHEDULE_S[min(attempts, len(SCHEDULE_S)) - 1]
    wait_s = Random(f"{seed}:{attempts}").uniform(0, longest)
    if retry_after_s is not None:
        wait_s = max(wait_s, min(retry_after_s, MAX_RETRY_AFTER_S))
    return Next(dead=False, wait_s=wait_s)


def parse_retry_after(header: str | None, date: str | None = None) -> float | None:
    """Seconds from a Retry-After header, which may also be a date: then counted from the answer's own Date header.

    None when there is none, or nothing that can be read.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return float(text)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(date or "")
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())

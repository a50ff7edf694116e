"""Database clock, used for every decision, and time zones by name."""

from __future__ import annotations

import time
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection

from probes.process.clocks.steady_clock import steady_ns

#: Years that a moment may be in, and what is said of others.
YEARS = (1970, 9000)
YEARS_IN_WORDS = f"A year from {YEARS[0]} to {YEARS[1]}."


def database_now() -> datetime:
    """PostgreSQL's `now()`: start of the transaction, or the present outside one."""
    return _ask("SELECT now()")


def database_wall_now() -> datetime:
    """PostgreSQL's `clock_timestamp()`: the present, also inside a transaction."""
    return _ask("SELECT clock_timestamp()")


class FollowedClock:
    """The database's clock between two looks at it, for what asks no database: no step of this machine's clock moves
    it. Until the first look it is this machine's."""

    def __init__(self) -> None:
        self._ahead_s: float | None = None

    def follow(self) -> None:
        """Look at the database's clock."""
        now_s = database_wall_now().timestamp()
        self._ahead_s = now_s - steady_ns() / 1e9

    def now_s(self) -> float:
        """Seconds since 1970."""
        return time.time() if self._ahead_s is None else self._ahead_s + steady_ns() / 1e9


#: That of this process.
followed_clock = FollowedClock()


def _ask(question: str) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(question)
        at: datetime = cursor.fetchone()[0]
    return at


def is_storable(moment: date) -> bool:
    """Whether a moment is far enough from the ends of the calendar to be reckoned with in any time zone."""
    return YEARS[0] <= moment.year <= YEARS[1]


def is_zone(name: str) -> bool:
    """Whether a time zone of this name exists, such as Europe/Berlin."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True

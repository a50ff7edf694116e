"""Database clock, used for every decision, and time zones by name."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection

#: Years that a moment may be in, and what is said of others.
YEARS = (1970, 9000)
YEARS_IN_WORDS = f"A year from {YEARS[0]} to {YEARS[1]}."


def database_now() -> datetime:
    """PostgreSQL's `now()`: start of the transaction, or the present outside one."""
    return _ask("SELECT now()")


def database_wall_now() -> datetime:
    """PostgreSQL's `clock_timestamp()`: the present, also inside a transaction."""
    return _ask("SELECT clock_timestamp()")


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

"""Clocks: the database's, from which times that decide something come, and those of time zones."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection


def database_now() -> datetime:
    """The moment at which the transaction began, or now outside of one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        at: datetime = cursor.fetchone()[0]
        return at


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name, such as Europe/Berlin."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True

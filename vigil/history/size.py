"""How large history is, and how fast it grows: a sample a day."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from vigil.history import partitions
from vigil.history.closing import DAY_MS
from vigil.history.models import SizeSample

#: Growth is that of the last days; one that saw a retention end says less about tomorrow than a longer stretch.
GROWTH_DAYS = 14


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes a day over the days that were sampled."""

    bytes_per_day: float
    days: int


def database_bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def sample(now_ms: int) -> None:
    """Note today's size, once a day."""
    day = now_ms // DAY_MS
    if not SizeSample.objects.filter(day=day).exists():
        sizes = {"database_bytes": database_bytes(), "history_bytes": sum(partitions.bytes_by_table().values())}
        SizeSample.objects.get_or_create(day=day, defaults=sizes)


def growth() -> Growth | None:
    """The growth of the database over the last two weeks; None before the second day."""
    samples = list(SizeSample.objects.order_by("-day")[: GROWTH_DAYS + 1])
    if len(samples) < 2:
        return None
    newest, oldest = samples[0], samples[-1]
    days = newest.day - oldest.day
    return Growth((newest.database_bytes - oldest.database_bytes) / days, days)

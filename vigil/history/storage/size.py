"""History size and growth: one sample a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet, Sum

from vigil.history.models import Progress, RecordedDay, RecordedHour, SizeSample
from vigil.history.storage import partitions, retention
from vigil.history.storage.daily_rollup import DAY_MS
from vigil.history.storage.partitions import Partitioned

#: Growth over the last days; fewer days show a retention's end less than a longer period.
GROWTH_DAYS = 14


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes a day over the sampled days."""

    bytes_per_day: float
    days: int


def database_bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def sample(now_ms: int) -> None:
    """Record today's size, once a day."""
    day = now_ms // DAY_MS
    if not SizeSample.objects.filter(day=day).exists():
        sizes = {"database_bytes": database_bytes(), "history_bytes": sum(partitions.bytes_by_table().values())}
        SizeSample.objects.get_or_create(day=day, defaults=sizes)


def growth() -> Growth | None:
    """Growth over the last two weeks; None before the second day."""
    samples = list(SizeSample.objects.order_by("-day")[: GROWTH_DAYS + 1])
    if len(samples) < 2:
        return None
    newest, oldest = samples[0], samples[-1]
    days = newest.day - oldest.day
    return Growth((newest.database_bytes - oldest.database_bytes) / days, days)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Forecast of size at the present rate and retention."""

    checks_per_day: float
    bytes_per_check: float
    settled_bytes: float
    yearly_bytes: float


def forecast() -> Forecast | None:
    """Forecast from the last rolled-up days; None before there is one."""
    hours = RecordedHour.objects.filter(state=Progress.DONE)
    rolled = list(RecordedDay.objects.filter(state=Progress.DONE).order_by("-day").values_list("day", flat=True)[:7])
    if not rolled:
        return None
    per_day = _results(hours, rolled) / len(rolled)
    sizes = partitions.bytes_by_table()
    packed_checks = _results(hours, [start // 24 for start in partitions.starts(partitions.PACKED_HOURS)])
    if per_day < 1000 or not packed_checks:
        return None
    kept = retention.days_kept()
    each = {table: sizes[table.table] / _results(hours, _days_of(table)) for table in kept}
    finite = sum(bytes_each * kept[table] for table, bytes_each in each.items() if kept[table])
    for_ever = sum(bytes_each for table, bytes_each in each.items() if not kept[table])
    return Forecast(per_day, sum(each.values()), per_day * finite, per_day * for_ever * 365)


def _days_of(table: Partitioned) -> list[int]:
    per_day = 24 if table.column == "hour" else 1
    return [
        day for start in partitions.starts(table) for day in range(start // per_day, (start + table.span) // per_day)
    ]


def _results(hours: QuerySet[RecordedHour], days: Sequence[int]) -> int:
    """Results recorded on these days; at least 1, since it is a divisor."""
    wanted = [hour for day in days for hour in range(day * 24, day * 24 + 24)]
    return hours.filter(hour__in=wanted).aggregate(all=Sum("results"))["all"] or 1

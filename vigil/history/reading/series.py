"""Rollup series: any range, each part from the coarsest exact level (days, hours or checks).

    days    unlimited           one row a monitor and day, all of its regions
    hours   400 days            one row a monitor, region and day
    checks  30 days             packed hours; by the minute, or any other step

A day is rolled up when it is over. Until then, and for what is asked finer than an hour, the checks themselves are
read: they hold the same buckets, so what is merged from both is as exact as either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection

from vigil.clock import database_now
from vigil.history.core import rollups
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.rollups import HOURS_IN_DAY, Rollup
from vigil.history.models import Progress, RecordedDay
from vigil.history.reading import read
from vigil.history.storage.daily_rollup import DAY_MS

#: By region key, then by start of the step (ms).
Series = Mapping[int, Mapping[int, Rollup]]

# Both use the primary key: monitors, regions, and one range of days.
_DAYS = "SELECT monitor, day, payload FROM history_rolledday WHERE monitor = ANY(%s) AND day BETWEEN %s AND %s"
_HOURS = (
    "SELECT region, day, payload FROM history_rolledhours "
    "WHERE monitor = %s AND region = ANY(%s) AND day BETWEEN %s AND %s"
)


def minutes(monitor: int, regions: Sequence[int], start_ms: int, end_ms: int, step_ms: int) -> Series:
    """Steps below an hour, counted from the start; within the retention of checks."""
    return read.by_step(monitor, regions, start_ms, end_ms, step_ms)


def hours(monitor: int, regions: Sequence[int], start_ms: int, end_ms: int, step_hours: int = 1) -> Series:
    """Steps of whole hours, from the hour of the start."""
    first, last = start_ms // HOUR_MS, (end_ms - 1) // HOUR_MS
    found: dict[int, dict[int, Rollup]] = {region: {} for region in regions}

    def add(region: int, hour: int, rolled: Rollup) -> None:
        if first <= hour <= last:
            step = (hour - (hour - first) % step_hours) * HOUR_MS
            found[region].setdefault(step, Rollup()).add(rolled)

    live = _live_days(first // HOURS_IN_DAY, last // HOURS_IN_DAY)
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, [monitor, list(regions), first // HOURS_IN_DAY, last // HOURS_IN_DAY])
        for region, day, payload in cursor.fetchall():
            if day not in live:
                for hour, rolled in rollups.unpack_hours(payload).items():
                    add(region, day * HOURS_IN_DAY + hour, rolled)
    for day in live:
        begin = day * DAY_MS
        for region, steps in read.by_step(monitor, regions, begin, begin + DAY_MS, HOUR_MS).items():
            for at_ms, rolled in steps.items():
                add(region, at_ms // HOUR_MS, rolled)
    return {region: dict(sorted(steps.items())) for region, steps in found.items()}


def days(monitor: int, regions: Sequence[int], first: int, last: int) -> dict[int, Rollup]:
    """Whole days (UTC) of some regions together: days since the epoch, both included."""
    return days_of([monitor], regions, first, last)[monitor]


def days_of(monitors: Sequence[int], regions: Sequence[int], first: int, last: int) -> dict[int, dict[int, Rollup]]:
    """The same of several monitors, by their keys, in a number of queries that does not depend on them."""
    wanted = frozenset(regions)
    live = _live_days(first, last)
    found: dict[int, dict[int, Rollup]] = {monitor: {} for monitor in monitors}
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [list(monitors), first, last])
        for monitor, day, payload in cursor.fetchall():
            if day not in live:
                rollups.add_regions(payload, found[monitor].setdefault(day, Rollup()), wanted)
    for day in live:
        for monitor, rolled in read.whole_hours(
            monitors, regions, day * HOURS_IN_DAY, (day + 1) * HOURS_IN_DAY - 1
        ).items():
            found[monitor].setdefault(day, Rollup()).add(rolled)
    return {monitor: dict(sorted(of_days.items())) for monitor, of_days in found.items()}


def over(monitor: int, regions: Sequence[int], start_ms: int, end_ms: int) -> Rollup:
    """Rollup of any range: whole days, whole hours beside them, and checks of the rest."""
    total = Rollup()
    first_day, end_day = -(-start_ms // DAY_MS), end_ms // DAY_MS
    if first_day >= end_day:
        return rollups.merged(_edge(monitor, regions, start_ms, end_ms))
    for rolled in days(monitor, regions, first_day, end_day - 1).values():
        total.add(rolled)
    for start, end in ((start_ms, first_day * DAY_MS), (end_day * DAY_MS, end_ms)):
        for rolled in _edge(monitor, regions, start, end):
            total.add(rolled)
    return total


def _edge(monitor: int, regions: Sequence[int], start_ms: int, end_ms: int) -> list[Rollup]:
    """Rollup of a range without a whole day."""
    if start_ms >= end_ms:
        return []
    first_hour, end_hour = -(-start_ms // HOUR_MS), end_ms // HOUR_MS
    parts: list[Series] = []
    if first_hour >= end_hour:
        parts.append(minutes(monitor, regions, start_ms, end_ms, HOUR_MS))
    else:
        parts.append(hours(monitor, regions, first_hour * HOUR_MS, end_hour * HOUR_MS))
        for start, end in ((start_ms, first_hour * HOUR_MS), (end_hour * HOUR_MS, end_ms)):
            if start < end:
                parts.append(minutes(monitor, regions, start, end, HOUR_MS))
    return [rolled for part in parts for steps in part.values() for rolled in steps.values()]


def _live_days(first: int, last: int) -> list[int]:
    """Days of a range not yet rolled up: few, and the newest."""
    waiting = RecordedDay.objects.filter(state=Progress.OPEN, day__range=(first, last))
    live = set(waiting.values_list("day", flat=True))
    today = int(database_now().timestamp()) * 1000 // DAY_MS
    done = set(
        RecordedDay.objects.filter(day__gte=today - 1).exclude(state=Progress.OPEN).values_list("day", flat=True)
    )
    live |= {day for day in (today - 1, today, today + 1) if first <= day <= last and day not in done}
    return sorted(live)

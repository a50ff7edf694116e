"""Daily rollup: packed hours of a finished day, some monitors at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection, transaction

from vigil.history.core import packing, rollups
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.rollups import HOURS_IN_DAY, Rollup
from vigil.history.models import Progress, RecordedDay, RecordedHour
from vigil.history.storage import partitions

DAY_MS = HOURS_IN_DAY * HOUR_MS
#: Monitors per transaction: 15,000 packed hours with five regions.
STRIDE = 128
#: Delay after the end of a day; its last hour must be packed too.
SETTLED_AFTER_MS = HOUR_MS // 2

_UPSERT_HOURS = """
INSERT INTO history_rolledhours (day, monitor, region, payload) VALUES (%s, %s, %s, %s)
ON CONFLICT (monitor, region, day) DO UPDATE SET payload = excluded.payload
"""
_UPSERT_DAY = """
INSERT INTO history_rolledday (day, monitor, payload) VALUES (%s, %s, %s)
ON CONFLICT (monitor, day) DO UPDATE SET payload = excluded.payload
"""


def next_day(now_ms: int, settled_after_ms: int = SETTLED_AFTER_MS) -> int | None:
    """The oldest finished day with all hours packed that is not rolled up."""
    last = (now_ms - settled_after_ms) // DAY_MS - 1
    busy = {hour // HOURS_IN_DAY for hour in _open_hours()}
    waiting = RecordedDay.objects.filter(state=Progress.OPEN, day__lte=last).order_by("day")
    return next((day for day in waiting.values_list("day", flat=True) if day not in busy), None)


def close_some(day: int) -> bool:
    """Roll up the next monitors of a day in one transaction; False once done."""
    with transaction.atomic():
        row = RecordedDay.objects.select_for_update().filter(day=day, state=Progress.OPEN).first()
        if row is None:
            return False
        first = _monitor_from(day, row.next_shard * STRIDE)
        if first is None:
            row.state = Progress.DONE
            row.save(update_fields=["state"])
            return False
        shard = first // STRIDE
        rolled = _rolled(day, range(shard * STRIDE, (shard + 1) * STRIDE))
        write_rolled(day, rolled, again=False)
        row.next_shard = shard + 1
        row.save(update_fields=["next_shard"])
    return True


def mend(day: int, monitors: Sequence[int]) -> None:
    """Roll up again the late results of a finished day. Call inside a transaction."""
    row, _ = RecordedDay.objects.select_for_update().get_or_create(day=day)
    late = [monitor for monitor in monitors if row.state == Progress.DONE or monitor < row.next_shard * STRIDE]
    if late:
        write_rolled(day, _rolled(day, late), again=True)


def write_rolled(day: int, rolled: Mapping[tuple[int, int], Mapping[int, Rollup]], *, again: bool) -> None:
    """Write hourly rollups by monitor and region, and the daily one."""
    hours = [(day, monitor, region, rollups.pack_hours(rolled[monitor, region])) for monitor, region in sorted(rolled)]
    by_monitor: dict[int, dict[int, Rollup]] = {}
    for (monitor, region), each in rolled.items():
        by_monitor.setdefault(monitor, {})[region] = rollups.merged(each.values())
    days = [(day, monitor, rollups.pack_regions(by_monitor[monitor])) for monitor in sorted(by_monitor)]
    partitions.ensure(partitions.ROLLED_HOURS, day)
    partitions.ensure(partitions.ROLLED_DAYS, day)
    with connection.cursor() as cursor:
        if again:
            cursor.executemany(_UPSERT_HOURS, hours)
            cursor.executemany(_UPSERT_DAY, days)
            return
        with cursor.copy("COPY history_rolledhours (day, monitor, region, payload) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "int4", "int2", "bytea"])
            for row in hours:
                copy.write_row(row)
        with cursor.copy("COPY history_rolledday (day, monitor, payload) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "int4", "bytea"])
            for row_of_day in days:
                copy.write_row(row_of_day)


def _rolled(day: int, monitors: Sequence[int]) -> dict[tuple[int, int], dict[int, Rollup]]:
    """Rollups of every packed hour of a day, of some monitors."""
    found: dict[tuple[int, int], dict[int, Rollup]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT monitor, region, hour, payload FROM history_packedhour "
            "WHERE hour >= %s AND hour < %s AND monitor BETWEEN %s AND %s",
            [day * HOURS_IN_DAY, (day + 1) * HOURS_IN_DAY, monitors[0], monitors[-1]],
        )
        wanted = set(monitors)
        for monitor, region, hour, payload in cursor:
            if monitor not in wanted:
                continue
            each = found.setdefault((monitor, region), {})
            each[hour % HOURS_IN_DAY] = rollups.of_hour(packing.unpack(payload))
    return found


def _monitor_from(day: int, monitor: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT monitor FROM history_packedhour WHERE hour >= %s AND hour < %s AND monitor >= %s "
            "ORDER BY monitor LIMIT 1",
            [day * HOURS_IN_DAY, (day + 1) * HOURS_IN_DAY, monitor],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else None


def _open_hours() -> list[int]:
    return list(RecordedHour.objects.filter(state=Progress.OPEN).values_list("hour", flat=True))

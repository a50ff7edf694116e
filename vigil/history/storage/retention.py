"""Retention: drops partitions that are wholly too old; rows are never deleted."""

from __future__ import annotations

from vigil.configuration import configuration
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.rollups import HOURS_IN_DAY
from vigil.history.storage import partitions
from vigil.history.storage.daily_rollup import DAY_MS
from vigil.history.storage.partitions import Partitioned

#: Longest cut-off after which a region's results still count; its local store holds no more.
LATE_DAYS_MOST = 7


def days_kept() -> dict[Partitioned, int]:
    """Days to keep by class of history; 0 keeps everything."""
    settings = configuration()
    return {
        partitions.PACKED_HOURS: settings.keep_checks_days,
        partitions.ROLLED_HOURS: settings.keep_hours_days,
        partitions.ROLLED_DAYS: settings.keep_days_days,
    }


def late_ms() -> int:
    """Latest arrival of a result: its day must still have all of its checks."""
    kept = configuration().keep_checks_days
    return (min(LATE_DAYS_MOST, kept - 1) if kept else LATE_DAYS_MOST) * DAY_MS


def outdated(table: Partitioned, days: int, now_ms: int) -> list[int]:
    """Partitions of a table with nothing younger than this, oldest first."""
    if not days:
        return []
    per_day = HOURS_IN_DAY if table.column == "hour" else 1
    unit_ms = HOUR_MS if table.column == "hour" else DAY_MS
    first_kept = now_ms // unit_ms - days * per_day
    return [start for start in partitions.starts(table) if start + table.span <= first_kept]


def drop_outdated(now_ms: int) -> list[str]:
    """Drop all outdated partitions; returns their names. Those in use are retried later."""
    return [
        table.partition(start)
        for table, days in days_kept().items()
        for start in outdated(table, days, now_ms)
        if partitions.drop(table, start)
    ]

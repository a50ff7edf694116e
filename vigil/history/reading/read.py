"""History reads: a monitor's checks and rollups, from chunks and packed hours.

Ranges are half open. An hour is in chunks while open and packed later; briefly in both, so reads sort and deduplicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from probes.reasons import Reason, Status
from probes.wire import Result
from vigil.history.core import chunks, packing, rollups
from vigil.history.core.chunks import shard_of
from vigil.history.core.latency_sketch import microseconds
from vigil.history.core.packing import HOUR_MS

# Both halves use the primary key, and the partition of the hour.
_READ = """
SELECT hour, region, {0}, false FROM history_chunk
 WHERE hour BETWEEN %(first)s AND %(last)s AND shard = %(shard)s AND region = ANY(%(regions)s)
UNION ALL
SELECT hour, region, {0}, true FROM history_packedhour
 WHERE monitor = %(monitor)s AND region = ANY(%(regions)s) AND hour BETWEEN %(first)s AND %(last)s
"""
# The same for several monitors: a chunk has those of its shard.
_READ_MANY = """
SELECT hour, region, payload, shard, NULL FROM history_chunk
 WHERE hour BETWEEN %(first)s AND %(last)s AND shard = ANY(%(shards)s) AND region = ANY(%(regions)s)
UNION ALL
SELECT hour, region, payload, NULL, monitor FROM history_packedhour
 WHERE monitor = ANY(%(monitors)s) AND region = ANY(%(regions)s) AND hour BETWEEN %(first)s AND %(last)s
"""
# The same for pairs of monitor and hour; the lists alone already leave partitions out.
_READ_HOURS = """
SELECT hour, region, payload, shard, NULL FROM history_chunk
 WHERE hour = ANY(%(hours)s) AND shard = ANY(%(shards)s)
UNION ALL
SELECT hour, region, payload, NULL, monitor FROM history_packedhour
 WHERE monitor = ANY(%(monitors)s) AND hour = ANY(%(hours)s)
   AND (monitor, hour) IN (SELECT * FROM unnest(%(monitors)s::int[], %(hours)s::int[]))
"""


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """A stored check. Durations are within 1 % of the measured; 0 for none."""

    at_ms: int
    status: Status
    reason: Reason
    total_us: float
    first_byte_us: float
    look: int


def entries(monitor: int, regions: Sequence[int], start_ms: int, end_ms: int) -> dict[int, dict[int, list[int]]]:
    """Packed integers of a monitor's checks (see `packing`), by region and hour, sorted and deduplicated."""
    found: dict[int, dict[int, list[int]]] = {region: {} for region in regions}
    for hour, region, payload, is_packed in _rows("payload", monitor, regions, (start_ms, end_ms)):
        mine = packing.unpack(payload).entries() if is_packed else chunks.entries_of(payload, monitor)
        if mine:
            found[region].setdefault(hour, []).extend(mine)
    return {
        region: {hour: _within(packing.in_order(hours[hour]), hour, start_ms, end_ms) for hour in sorted(hours)}
        for region, hours in found.items()
    }


def checks(monitor: int, regions: Sequence[int], start_ms: int, end_ms: int) -> dict[int, list[StoredCheck]]:
    """Recorded checks of a monitor, by region, in order of time."""
    return {
        region: [_check(hour, entry) for hour, mine in hours.items() for entry in mine]
        for region, hours in entries(monitor, regions, start_ms, end_ms).items()
    }


def failures(monitor: int, regions: Sequence[int], start_ms: int, end_ms: int) -> dict[int, list[Result]]:
    """Results kept in full, by region, in order of time."""
    found: dict[int, dict[tuple[int, int], Result]] = {region: {} for region in regions}
    for _, region, payload, _ in _rows("failures", monitor, regions, (start_ms, end_ms)):
        for key, result in chunks.decode_failures(payload) if payload else ():
            if key == monitor and start_ms <= result.at_ms < end_ms:
                found[region][result.at_ms, result.look] = result
    return {region: [each[check] for check in sorted(each)] for region, each in found.items()}


def by_step(
    monitor: int, regions: Sequence[int], start_ms: int, end_ms: int, step_ms: int
) -> dict[int, dict[int, rollups.Rollup]]:
    """Rollups of a monitor's checks by region and step (a minute, five, an hour), from the checks."""
    found: dict[int, dict[int, rollups.Rollup]] = {}
    for region, hours in entries(monitor, regions, start_ms, end_ms).items():
        steps: dict[int, tuple[list[int], list[int]]] = {}
        for hour, mine in hours.items():
            for entry in mine:
                at_ms = hour * HOUR_MS + (entry >> 35)
                codes, totals = steps.setdefault(at_ms - (at_ms - start_ms) % step_ms, ([], []))
                codes.append(entry >> 22 & 511)
                totals.append(entry >> 11 & 2047)
        found[region] = {at_ms: rollups.of_checks(*columns) for at_ms, columns in sorted(steps.items())}
    return found


def whole_hours(monitors: Sequence[int], regions: Sequence[int], first: int, last: int) -> dict[int, rollups.Rollup]:
    """Rollups of the checks of whole hours since the epoch, both included, of regions together; one query for all."""
    by_shard: dict[int, list[int]] = {}
    for monitor in monitors:
        by_shard.setdefault(shard_of(monitor), []).append(monitor)
    wanted: dict[str, Any] = {
        "monitors": list(monitors), "shards": list(by_shard), "regions": list(regions), "first": first, "last": last,
    }  # fmt: skip
    found: dict[int, dict[tuple[int, int], list[int]]] = {monitor: {} for monitor in monitors}
    with connection.cursor() as cursor:
        cursor.execute(_READ_MANY, wanted)
        for hour, region, payload, shard, packed_of in cursor.fetchall():
            for monitor in by_shard[shard] if packed_of is None else (packed_of,):
                mine = chunks.entries_of(payload, monitor) if packed_of is None else packing.unpack(payload).entries()
                found[monitor].setdefault((hour, region), []).extend(mine)
    kept = {
        monitor: [entry for mine in hours.values() for entry in packing.in_order(mine)]
        for monitor, hours in found.items()
    }
    return {
        monitor: rollups.of_checks([one >> 22 & 511 for one in mine], [one >> 11 & 2047 for one in mine])
        for monitor, mine in kept.items()
        if mine
    }


def reasons_in(wanted: Mapping[int, Mapping[int, tuple[int, int]]]) -> dict[int, list[tuple[int, int, Reason]]]:
    """Second, region and reason of checks, by monitor, in order; one query.

    `wanted` has for each monitor the hours since the epoch, each with the part of it that matters (in ms, half open).
    """
    pairs = [(monitor, hour) for monitor, hours in wanted.items() for hour in hours]
    by_shard: dict[int, list[int]] = {}
    for monitor in wanted:
        by_shard.setdefault(shard_of(monitor), []).append(monitor)
    asked: dict[str, Any] = {
        "monitors": [monitor for monitor, _ in pairs], "hours": [hour for _, hour in pairs], "shards": list(by_shard),
    }  # fmt: skip
    found: dict[int, dict[tuple[int, int], list[int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_READ_HOURS, asked)
        for hour, region, payload, shard, packed_of in cursor.fetchall():
            for monitor in by_shard[shard] if packed_of is None else (packed_of,):
                first, last = wanted[monitor].get(hour, (0, 0))
                if first < last:
                    mine = (
                        chunks.entries_of(payload, monitor) if packed_of is None else packing.unpack(payload).entries()
                    )
                    kept = [one for one in mine if first <= one >> 35 < last]
                    found.setdefault(monitor, {}).setdefault((hour, region), []).extend(kept)
    return {
        monitor: sorted(
            ((hour * HOUR_MS + (one >> 35)) // 1000, region, packing.meaning(one >> 22 & 511)[1])
            for (hour, region), mine in parts.items()
            for one in packing.in_order(mine)
        )
        for monitor, parts in found.items()
    }


def _rows(
    column: str, monitor: int, regions: Sequence[int], window: tuple[int, int]
) -> list[tuple[int, int, bytes, bool]]:
    """Hour, region, a column, and whether it is a packed hour: in one query."""
    wanted: dict[str, Any] = {
        "monitor": monitor, "shard": shard_of(monitor), "regions": list(regions),
        "first": window[0] // HOUR_MS, "last": (window[1] - 1) // HOUR_MS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_READ.format(column), wanted)
        return list(cursor.fetchall())


def _within(ordered: Iterable[int], hour: int, start_ms: int, end_ms: int) -> list[int]:
    begin = hour * HOUR_MS
    if start_ms <= begin and begin + HOUR_MS <= end_ms:
        return list(ordered)
    return [entry for entry in ordered if start_ms <= begin + (entry >> 35) < end_ms]


def _check(hour: int, entry: int) -> StoredCheck:
    status, reason = packing.meaning(entry >> 22 & 511)
    return StoredCheck(
        at_ms=hour * HOUR_MS + (entry >> 35),
        status=status,
        reason=reason,
        total_us=microseconds(entry >> 11 & 2047),
        first_byte_us=microseconds(entry & 2047),
        look=entry >> 31 & 15,
    )

"""Latency of the last full hour, for many monitors at once, from packed hours; of new monitors from what came so far.

One query for any number of monitors. An hour is packed two minutes after its end, so the figure is of the last full
hour, or of the one before it during the first minutes of an hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection

from vigil.history.core import chunks, packing
from vigil.history.core.chunks import shard_of
from vigil.history.core.latency_sketch import quantiles
from vigil.history.core.packing import HOUR_MS, Hour
from vigil.monitors.models import Monitor

#: An answered check has a lower code: UP or DEGRADED.
_ANSWERED_BELOW = 2 << 7
#: Chunks read at most: an hour of one shard in five regions has 900.
CHUNKS_MOST = 1_000
#: A monitor as new as this may have no packed hour yet.
_NEW = timedelta(hours=2)
#: With fewer answers there is no percentile.
ANSWERS_LEAST = 3

_READ = """
(SELECT DISTINCT ON (monitor, region) hour, monitor, payload FROM history_packedhour
 WHERE monitor = ANY(%(monitors)s) AND region = ANY(%(regions)s) AND hour BETWEEN %(hour)s - 2 AND %(hour)s
 ORDER BY monitor, region, hour DESC)
UNION ALL
(SELECT hour, NULL, payload FROM history_chunk
 WHERE hour BETWEEN %(hour)s - 1 AND %(hour)s AND shard = ANY(%(shards)s) AND region = ANY(%(regions)s)
 ORDER BY hour DESC, last_ms DESC LIMIT %(most)s)
"""


def p95_of_last_hour(monitors: Sequence[Monitor], regions: Sequence[int], now: datetime) -> Mapping[int, float]:
    """95th percentile of answered checks in milliseconds by monitor, all regions together; without an answer none."""
    hour = int(now.timestamp() * 1000) // HOUR_MS
    newcomers = {one.pk for one in monitors if now - one.created_at < _NEW}
    values: dict[str, Any] = {
        "monitors": [one.pk for one in monitors], "regions": list(regions), "hour": hour,
        "shards": sorted({shard_of(key) for key in newcomers}), "most": CHUNKS_MOST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_READ, values)
        rows = cursor.fetchall()
    hours: dict[int, tuple[int, list[bytes]]] = {}
    for at, monitor, payload in rows:
        if monitor is not None:
            newest, held = hours.get(monitor, (-1, []))
            if at >= newest:
                hours[monitor] = (at, [payload] if at > newest else [*held, payload])
    found = {monitor: _p95_of(tuple(sorted(payloads))) for monitor, (_, payloads) in hours.items()}
    sketches: dict[int, Counter[int]] = {}
    for _, monitor, payload in rows:
        if monitor is None:
            _add_chunk(sketches, payload, newcomers - hours.keys())
    found |= {monitor: _p95(sketch) for monitor, sketch in sketches.items()}
    return {monitor: p95 for monitor, p95 in found.items() if p95 is not None}


@lru_cache(maxsize=2_048)
def _p95_of(payloads: tuple[bytes, ...]) -> float | None:
    """Percentile of a packed hour in all regions. It is packed once and asked for until the next one is there."""
    sketch: Counter[int] = Counter()
    for payload in payloads:
        sketch.update(_answered(packing.unpack(payload)))
    return _p95(sketch)


def _answered(hour: Hour) -> Sequence[int]:
    """Buckets of the answered checks; nearly always of all."""
    if max(hour.codes) < _ANSWERED_BELOW:
        return hour.totals
    return [total for code, total in zip(hour.codes, hour.totals, strict=True) if code < _ANSWERED_BELOW]


def _add_chunk(sketches: dict[int, Counter[int]], payload: bytes, wanted: set[int]) -> None:
    for monitor, entry in chunks.decode(payload) if wanted else ():
        if monitor in wanted and entry >> 22 & 511 < _ANSWERED_BELOW:
            sketches.setdefault(monitor, Counter())[entry >> 11 & 2047] += 1


def _p95(sketch: Counter[int]) -> float | None:
    sketch.pop(0, None)
    if sketch.total() < ANSWERS_LEAST:
        return None
    [us] = quantiles(sketch, [0.95])
    return None if us is None else us / 1000

"""Latency chart of a monitor: p50 and p95 by region and of all together, for a range, as plain values for a script.

History keeps the total time and the time to the first byte of each check. The phases before the first byte are those
of the last results (`monitor_page`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from vigil.history.core.packing import HOUR_MS
from vigil.history.core.rollups import Rollup
from vigil.history.reading import series
from vigil.monitors.models import Monitor, Region

#: Range -> its length and its step, in ms. None has more than 180 points.
RANGES: Mapping[str, tuple[int, int]] = {
    "1h": (HOUR_MS, 60_000),
    "24h": (24 * HOUR_MS, 900_000),
    "7d": (7 * 24 * HOUR_MS, HOUR_MS),
    "30d": (30 * 24 * HOUR_MS, 4 * HOUR_MS),
    "90d": (90 * 24 * HOUR_MS, 12 * HOUR_MS),
}
USUAL = "24h"


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One step: percentiles of answered checks in ms, and counts by status."""

    at_ms: int
    p50_ms: float | None
    p95_ms: float | None
    up: int
    degraded: int
    down: int
    unknown: int


@dataclass(frozen=True, slots=True)
class LatencyChart:
    """The points of a range, by region and of all regions together; steps without a check are left out."""

    range: str
    start_ms: int
    end_ms: int
    step_ms: int
    all_regions: Sequence[ChartPoint]
    regions: Mapping[str, Sequence[ChartPoint]]


def read_latency_chart(monitor: Monitor, length: str, now: datetime) -> LatencyChart:
    """Read the chart of a range; an unknown one reads as the usual."""
    length = length if length in RANGES else USUAL
    length_ms, step_ms = RANGES[length]
    end_ms = int(now.timestamp() * 1000) + 1
    start_ms = (end_ms - length_ms) // step_ms * step_ms
    slugs = dict(Region.objects.values_list("pk", "slug"))
    if step_ms % HOUR_MS:
        found = series.minutes(monitor.pk, list(slugs), start_ms, end_ms, step_ms)
    else:
        found = series.hours(monitor.pk, list(slugs), start_ms, end_ms, step_ms // HOUR_MS)
    together: dict[int, Rollup] = {}
    for steps in found.values():
        for at_ms, rolled in steps.items():
            together.setdefault(at_ms, Rollup()).add(rolled)
    return LatencyChart(
        range=length,
        start_ms=start_ms,
        end_ms=end_ms,
        step_ms=step_ms,
        all_regions=[_point(at_ms, together[at_ms]) for at_ms in sorted(together)],
        regions={slugs[key]: [_point(at, one) for at, one in steps.items()] for key, steps in found.items() if steps},
    )


def _point(at_ms: int, rolled: Rollup) -> ChartPoint:
    p50, p95 = rolled.percentiles_ms([0.5, 0.95])
    return ChartPoint(at_ms, p50, p95, *rolled.counts)

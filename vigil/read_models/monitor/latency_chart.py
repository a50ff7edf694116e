"""Latency chart of a monitor: p50 and p95 by region and of all together, for a range, as plain values for a script.

History keeps the total time and the time to the first byte of each check: these are the two phases over time. Those
before the first byte are of the last results (`page`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from probes.reasons import Status
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.rollups import Rollup
from vigil.history.reading import read, series
from vigil.monitors.models import Monitor, Region
from vigil.read_models.core.chart_ranges import ChartWindow

_ANSWERED = (Status.UP, Status.DEGRADED)


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

    range: ChartWindow
    all_regions: Sequence[ChartPoint]
    regions: Mapping[str, Sequence[ChartPoint]]

    @property
    def seen(self) -> Mapping[int, int]:
        """How many regions answered or failed in each step."""
        return Counter(point.at_ms for points in self.regions.values() for point in points)


@dataclass(frozen=True, slots=True)
class PhasePoint:
    """Mean times of one step's answered checks in ms: until the first byte, and from there to the end."""

    first_byte_ms: float
    transfer_ms: float


def read_latency_chart(monitor: Monitor, wanted: ChartWindow) -> LatencyChart:
    """Read the chart of a range."""
    start_ms, end_ms, step_ms = wanted.start_ms, wanted.end_ms, wanted.step_ms
    slugs = dict(Region.objects.values_list("pk", "slug"))
    if step_ms % HOUR_MS:
        found = series.minutes(monitor.pk, list(slugs), start_ms, end_ms, step_ms)
    else:
        found = series.hours(monitor.pk, list(slugs), start_ms, end_ms, step_ms // HOUR_MS)
    together: dict[int, Rollup] = {}
    for steps in found.values():
        for at_ms, rolled in steps.items():
            together.setdefault(at_ms, Rollup()).add(rolled)
    by_region = {slugs[key]: [_point(at, one) for at, one in steps.items()] for key, steps in found.items() if steps}
    return LatencyChart(
        wanted, [_point(at_ms, together[at_ms]) for at_ms in sorted(together)], dict(sorted(by_region.items()))
    )


def read_phases(monitor: Monitor, wanted: ChartWindow) -> Mapping[int, PhasePoint]:
    """Phases by step; none where the range is too long for its single checks."""
    if not wanted.has_phases:
        return {}
    sums: dict[int, list[float]] = {}
    regions = list(Region.objects.values_list("pk", flat=True))
    for checks in read.checks(monitor.pk, regions, wanted.start_ms, wanted.end_ms).values():
        for check in checks:
            if check.total_us and check.status in _ANSWERED:
                one = sums.setdefault(check.at_ms - (check.at_ms - wanted.start_ms) % wanted.step_ms, [0, 0.0, 0.0])
                first_byte_us = min(check.first_byte_us, check.total_us)
                one[0], one[1], one[2] = one[0] + 1, one[1] + first_byte_us, one[2] + check.total_us - first_byte_us
    return {at: PhasePoint(first / count / 1000, rest / count / 1000) for at, (count, first, rest) in sums.items()}


def _point(at_ms: int, rolled: Rollup) -> ChartPoint:
    p50, p95 = rolled.percentiles_ms([0.5, 0.95])
    return ChartPoint(at_ms, p50, p95, *rolled.counts)

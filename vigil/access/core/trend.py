"""Headroom trend of one quota in one region: when it is used up at the present slope. Pure.

The slope is Theil and Sen's: the median of the slopes of all pairs of points, with Sen's interval of 95 %. Only points
since the last reset count: what jumps up is a reset, and no progress.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise
from statistics import median

#: Points that a slope is made of, at most and at least, and the shortest time between the first and the last (s).
POINTS_MOST, POINTS_LEAST, SPAN_LEAST_S = 32, 6, 240.0
#: The newest point is not older than this, or than three usual distances of points (s).
FRESH_S, FRESH_GAPS = 300.0, 3.0
#: A rise of this part of the limit is a reset; where there is no limit, of the most that was left.
RESET_RISE = 0.1
#: In its newest half, and in its newest quarter, a quota falls at this part of its slope at least, or it has stopped
#: falling: a burst that is over is still the most of a half. A quarter has so many points at least.
STILL_FALLING, QUARTER_LEAST = 0.5, 4
#: The normal deviate of an interval of 95 %.
_DEVIATE = 1.96
#: What is foretold further than this says nothing (minutes).
MINUTES_MOST = 7 * 24 * 60.0


class TrendReason(StrEnum):
    """Why a time is said, or why none is."""

    FALLING = "falling"
    USED_UP = "used_up"
    TOO_FEW_POINTS = "too_few_points"
    NO_NEW_POINTS = "no_new_points"
    NOT_FALLING = "not_falling"
    STOPPED = "stopped"
    UNCERTAIN = "uncertain"
    RESET_FIRST = "reset_first"
    FAR_AWAY = "far_away"
    REGIONS_DIFFER = "regions_differ"


@dataclass(frozen=True, slots=True)
class QuotaPoint:
    """What was left of a quota at a time (s since 1970); `reset_s` is how long until it is whole again, then."""

    at_s: float
    remaining: float
    limit: float | None = None
    reset_s: float | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """Minutes until a quota is used up, with the bounds of their interval of 95 %; None where none is said."""

    reason: TrendReason
    minutes: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class _Slope:
    """A slope per second, with its interval."""

    middle: float
    low: float
    high: float


def trend(points: Sequence[QuotaPoint], now_s: float) -> Trend:
    """When this quota is used up in this region, or why that is not said.

    1. The newest point is fresh, and enough of them are of the present window of the quota.
    2. They surely fall, and the newest half and quarter of them fall still.
    3. Nothing is said of a quota that is reset before.
    """
    recent = sorted(points, key=lambda one: one.at_s)[-POINTS_MOST:]
    if not recent or now_s - recent[-1].at_s > _fresh_s(recent):
        return Trend(TrendReason.NO_NEW_POINTS)
    window = since_reset(recent)
    last = window[-1]
    if last.remaining <= 0 < window[0].remaining:
        was_reset = last.reset_s is not None and last.at_s + last.reset_s < now_s
        return Trend(TrendReason.RESET_FIRST) if was_reset else Trend(TrendReason.USED_UP, 0.0, 0.0, 0.0)
    if len(window) < POINTS_LEAST or last.at_s - window[0].at_s < SPAN_LEAST_S:
        return Trend(TrendReason.TOO_FEW_POINTS)
    if last.remaining >= window[0].remaining:
        return Trend(TrendReason.NOT_FALLING)
    slope = _slope([(one.at_s, one.remaining) for one in window])
    if slope.middle >= 0:
        return Trend(TrendReason.NOT_FALLING)
    if slope.high >= 0:
        return Trend(TrendReason.UNCERTAIN)
    for newest in (window[len(window) // 2 :], window[-max(QUARTER_LEAST, len(window) // 4) :]):
        if _slope([(one.at_s, one.remaining) for one in newest]).middle > STILL_FALLING * slope.middle:
            return Trend(TrendReason.STOPPED)
    return _foretold(window, slope, now_s)


def since_reset(points: Sequence[QuotaPoint]) -> Sequence[QuotaPoint]:
    """The points after the last reset, or after the last change of the limit; the points are in order."""
    start = 0
    most = max(one.remaining for one in points)
    for place, (before, after) in enumerate(pairwise(points), 1):
        whole = after.limit or most
        if before.limit != after.limit or after.remaining - before.remaining > RESET_RISE * whole:
            start = place
    return points[start:]


def _fresh_s(points: Sequence[QuotaPoint]) -> float:
    gaps = [after.at_s - before.at_s for before, after in pairwise(points)]
    return max(FRESH_S, FRESH_GAPS * median(gaps)) if gaps else FRESH_S


def _foretold(window: Sequence[QuotaPoint], slope: _Slope, now_s: float) -> Trend:
    left = max(0.0, median(one.remaining + slope.middle * (now_s - one.at_s) for one in window))
    minutes, low, high = (left / -each / 60 for each in (slope.middle, slope.low, slope.high))
    reset_s = _coming_reset_s(window, now_s)
    if reset_s is not None and high * 60 >= reset_s:
        return Trend(TrendReason.RESET_FIRST)
    if minutes > MINUTES_MOST:
        return Trend(TrendReason.FAR_AWAY)
    return Trend(TrendReason.FALLING, minutes, low, min(high, MINUTES_MOST))


def _coming_reset_s(window: Sequence[QuotaPoint], now_s: float) -> float | None:
    """How long until the quota is whole again; None where no reset is told, or where resets have restored nothing.

    A bucket that refills tells when it would be full if nobody took from it. While it falls that time moves away, and
    comes and goes without effect. A window that looks are nearly in step with falls as well from look to look, but
    then the told reset comes nearer with it.
    """
    told = [(one.at_s, one.reset_s) for one in window if one.reset_s is not None]
    if len(told) < len(window):
        return None if not told else max(0.0, told[-1][0] + told[-1][1] - now_s)
    last_s, reset_s = told[-1]
    passed = sum(at_s + until_s < last_s for at_s, until_s in told[:-1])
    if 2 * passed >= len(told) - 1 and _slope(told).middle >= 0:
        return None
    return max(0.0, last_s + reset_s - now_s)


def _slope(points: Sequence[tuple[float, float]]) -> _Slope:
    """Theil and Sen's slope of (seconds, value), with Sen's interval of 95 %; level for points of one moment."""
    slopes = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in combinations(points, 2)
        if later[0] > earlier[0]
    )
    if not slopes:
        return _Slope(0.0, 0.0, 0.0)
    count, pairs = len(points), len(slopes)
    spread = _DEVIATE * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, math.floor((pairs - spread) / 2))
    high = min(pairs - 1, math.ceil((pairs + spread) / 2))
    return _Slope(median(slopes), slopes[low], slopes[high])

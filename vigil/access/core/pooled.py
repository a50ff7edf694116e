"""Headroom of one key: what several regions saw of the same quota, as one trend. Pure.

The key is the same in every region, so its quota is. A time is said where more than half of the regions that know
enough say one: a region that is wrong, or lies, decides nothing alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from vigil.access.core.trend import QuotaPoint, Trend, TrendReason, trend

#: Without a trend of their own: these regions do not count.
_SILENT = frozenset({TrendReason.NO_NEW_POINTS, TrendReason.TOO_FEW_POINTS})
_TELLING = frozenset({TrendReason.FALLING, TrendReason.USED_UP})


@dataclass(frozen=True, slots=True)
class QuotaTrend:
    """One quota (`requests`, `tokens`, ...): its trend by region, and all in one; `left` is from 0 to 1."""

    counted: str
    trend: Trend
    left: float | None
    remaining: float | None
    limit: float | None
    reset_s: float | None
    regions: Mapping[str, Trend]

    @property
    def agreeing(self) -> int:
        """How many regions foretell its end."""
        return sum(one.reason in _TELLING for one in self.regions.values())


def quota_trend(counted: str, seen: Mapping[str, Sequence[QuotaPoint]], now_s: float) -> QuotaTrend | None:
    """The trend of a quota by what each region saw of it, newest last; None without any point."""
    told = {region: points for region, points in seen.items() if points}
    if not told:
        return None
    regions = {region: trend(points, now_s) for region, points in sorted(told.items())}
    fresh = [told[region][-1] for region, one in regions.items() if one.reason is not TrendReason.NO_NEW_POINTS]
    # Of what the regions saw last: the middle one, since one of them may be wrong.
    lasts = sorted(fresh or [points[-1] for points in told.values()], key=lambda one: one.remaining)
    middle = lasts[(len(lasts) - 1) // 2]
    return QuotaTrend(
        counted, together(regions), left_of(middle), middle.remaining, middle.limit, middle.reset_s, regions
    )


def together(regions: Mapping[str, Trend]) -> Trend:
    """What more than half of the regions that know enough agree on."""
    counted = [one for one in regions.values() if one.reason not in _SILENT]
    if not counted:
        reasons = {one.reason for one in regions.values()}
        few = TrendReason.TOO_FEW_POINTS
        return Trend(few if few in reasons else TrendReason.NO_NEW_POINTS)
    telling = [one for one in counted if one.reason in _TELLING]
    if 2 * len(telling) > len(counted):
        minutes, low, high = (
            median([getattr(one, name) or 0.0 for one in telling]) for name in ("minutes", "low", "high")
        )
        used_up = sum(one.reason is TrendReason.USED_UP for one in telling)
        return Trend(TrendReason.USED_UP if 2 * used_up > len(counted) else TrendReason.FALLING, minutes, low, high)
    if telling and 2 * len(telling) == len(counted):
        return Trend(TrendReason.REGIONS_DIFFER)
    others = [one.reason for one in counted if one.reason not in _TELLING]
    return Trend(max(sorted(set(others)), key=others.count))


def soonest(quotas: Sequence[QuotaTrend]) -> QuotaTrend | None:
    """The quota that ends first; without a foretold end, the one with the least left."""
    told = [one for one in quotas if one.trend.minutes is not None]
    if told:
        return min(told, key=lambda one: one.trend.minutes or 0.0)
    return min(quotas, key=lambda one: 1.0 if one.left is None else one.left, default=None)


def left_of(point: QuotaPoint) -> float | None:
    """The part that is left, from 0 to 1."""
    return min(1.0, max(0.0, point.remaining / point.limit)) if point.limit else None

"""Headroom of one key: what several regions saw of the same quota, as one trend. Pure.

The key is the same in every region, so its quota is. A time is said where more than half of the regions that can see
say one, by the law of votes: a region that is wrong, or lies, decides nothing alone. A region that can see and tells
nothing of the quota, or too little of it, says that it does not end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from consensus.quorum import fewest_votes
from vigil.access.core.trend import QuotaPoint, Trend, TrendReason, trend

_TELLING = frozenset({TrendReason.FALLING, TrendReason.USED_UP})


@dataclass(frozen=True, slots=True)
class Lookers:
    """The regions of a monitor: how many it has, and those that the service answers now, whatever they tell."""

    assigned: int
    answered: Collection[str]


@dataclass(frozen=True, slots=True)
class QuotaTrend:
    """One quota (`requests`, `tokens`, ...): its trend by region, and all in one.

    `left` is from 0 to 1: more than half of the regions say that no more is left; None where they do not.
    """

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


def quota_trend(
    counted: str, seen: Mapping[str, Sequence[QuotaPoint]], now_s: float, lookers: Lookers | None = None
) -> QuotaTrend | None:
    """The trend of a quota by what each region saw of it, newest last; None without any point.

    Without `lookers`, those who tell of it are all.
    """
    told = {region: points for region, points in seen.items() if points}
    if not told:
        return None
    regions = {region: trend(points, now_s) for region, points in sorted(told.items())}
    fresh = {region for region, one in regions.items() if one.reason is not TrendReason.NO_NEW_POINTS}
    assigned = lookers.assigned if lookers else len(told)
    votes = len(fresh | set(lookers.answered)) if lookers else len(fresh)
    enough = votes >= fewest_votes(assigned)
    lasts = sorted((told[region][-1] for region in sorted(fresh or told)), key=_fullness)
    # What more than half of those who can see agree on; where they do not, what is shown decides nothing.
    place = votes // 2
    agreed = enough and place < len(fresh)
    last = lasts[place] if agreed else lasts[-1]
    left = left_of(last) if agreed else None
    pooled = together({region: regions[region] for region in fresh}, votes, enough)
    return QuotaTrend(counted, pooled, left, last.remaining, last.limit, last.reset_s, regions)


def together(regions: Mapping[str, Trend], votes: int, enough: bool = True) -> Trend:
    """What more than half of `votes` regions agree on; `regions` are those of them that tell of the quota now."""
    told = list(regions.values())
    telling = [one for one in told if one.reason in _TELLING]
    if enough and 2 * len(telling) > votes:
        # The time by which more than half say that it ends.
        place = votes // 2
        minutes, low, high = (
            sorted(getattr(one, name) or 0.0 for one in telling)[place] for name in ("minutes", "low", "high")
        )
        used_up = sum(one.reason is TrendReason.USED_UP for one in telling)
        return Trend(TrendReason.USED_UP if 2 * used_up > votes else TrendReason.FALLING, minutes, low, high)
    others = [one.reason for one in told if one.reason not in _TELLING]
    if telling and (not enough or 2 * len(others) <= votes):
        return Trend(TrendReason.REGIONS_DIFFER)
    return Trend(max(sorted(set(others)), key=others.count, default=TrendReason.NO_NEW_POINTS))


def soonest(quotas: Sequence[QuotaTrend]) -> QuotaTrend | None:
    """The quota that ends first; without a foretold end, the one with the least left."""
    told = [one for one in quotas if one.trend.minutes is not None]
    if told:
        return min(told, key=lambda one: one.trend.minutes or 0.0)
    return min(quotas, key=lambda one: 1.0 if one.left is None else one.left, default=None)


def left_of(point: QuotaPoint) -> float | None:
    """The part that is left, from 0 to 1."""
    return min(1.0, max(0.0, point.remaining / point.limit)) if point.limit else None


def _fullness(point: QuotaPoint) -> tuple[float, float]:
    left = left_of(point)
    return 1.0 if left is None else left, point.remaining

"""Headroom of a key by its quotas: when a warning begins and ends, and whether the key could take more. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vigil.access.core.latch import OFF, Latch, LatchTimes, turned
from vigil.access.core.pooled import QuotaTrend, soonest
from vigil.access.core.trend import Trend, TrendReason

#: A warning needs the same trend for three minutes, or three intervals; it ends after five minutes without it.
WARN_AFTER_S, WARN_INTERVALS, CALM_AFTER_S = 180.0, 3, 300.0
#: It ends once there is this much more time than it warns of.
CALM_FACTOR = 1.5
#: A key is short of headroom below this part of a quota, or this near to the end of it (minutes), for a minute; and
#: has enough again above the other bound, for two minutes.
SHORT_LEFT, ENOUGH_LEFT, SHORT_MINUTES = 0.1, 0.2, 15.0
SHORT_TIMES = LatchTimes(60.0, 120.0)

_WORDS = {
    TrendReason.USED_UP: "It is used up.",
    TrendReason.TOO_FEW_POINTS: "Too few answers since its last reset to tell a trend.",
    TrendReason.NO_NEW_POINTS: "No new answer tells of it.",
    TrendReason.NOT_FALLING: "It does not fall.",
    TrendReason.STOPPED: "It fell, and does not any more.",
    TrendReason.UNCERTAIN: "It may fall, but not surely.",
    TrendReason.RESET_FIRST: "It is reset before it would be used up.",
    TrendReason.FAR_AWAY: "At this slope it lasts for more than a week.",
    TrendReason.REGIONS_DIFFER: "Regions differ about its trend.",
}
_COUNTED = {"input_tokens": "input tokens", "output_tokens": "output tokens"}


@dataclass(frozen=True, slots=True)
class Headroom:
    """What is known of a key: its quotas, whether its owner is warned, and whether it could take no more."""

    quotas: Sequence[QuotaTrend]
    warned: Latch = OFF
    short: Latch = OFF

    @property
    def tightest(self) -> QuotaTrend | None:
        """The quota that ends first, or has the least left."""
        return soonest(self.quotas)


def stepped(before: Headroom, quotas: Sequence[QuotaTrend], warn: tuple[int | None, int], now_s: float) -> Headroom:
    """The next state. `warn` is the time before the end that is told (minutes; None: never), and the interval (s)."""
    most, interval_s = warn
    first = soonest(quotas)
    minutes = first.trend.minutes if first is not None else None
    lefts = [one.left for one in quotas if one.left is not None]
    least = min(lefts, default=1.0)
    short = turned(
        before.short,
        seen=least < SHORT_LEFT or (minutes is not None and minutes < SHORT_MINUTES),
        gone=least > ENOUGH_LEFT and (minutes is None or minutes > CALM_FACTOR * SHORT_MINUTES),
        now_s=now_s,
        times=SHORT_TIMES,
    )
    if most is None:
        return Headroom(quotas, OFF, short)
    warned = turned(
        before.warned,
        seen=minutes is not None and minutes <= most,
        gone=minutes is None or minutes > CALM_FACTOR * most,
        now_s=now_s,
        times=LatchTimes(max(WARN_AFTER_S, float(WARN_INTERVALS * interval_s)), CALM_AFTER_S),
    )
    return Headroom(quotas, warned, short)


def in_minutes(trend: Trend) -> str:
    """A foretold time: `in about 20 minutes (16 to 26)`; or why none is said, in a sentence."""
    if trend.reason is not TrendReason.FALLING or trend.minutes is None:
        return _WORDS[trend.reason]
    bounds = ""
    if trend.low is not None and trend.high is not None and _length(trend.low) != _length(trend.high):
        bounds = f" (between {_length(trend.low)} and {_length(trend.high)})"
    return f"At this slope 429 in about {_length(trend.minutes)}{bounds}."


def in_words(quota: QuotaTrend) -> str:
    """One quota in two sentences: what is left, and its trend with who agrees."""
    name = counted_in_words(quota.counted)
    left = "" if quota.remaining is None else f"{quota.remaining:,.0f}"
    whole = "" if quota.limit is None else f" of {quota.limit:,.0f}"
    told = [one for one in quota.regions.values() if one.reason is not TrendReason.NO_NEW_POINTS]
    agree = f" {quota.agreeing} of {len(told)} regions agree." if quota.trend.minutes is not None and told else ""
    return f"{left}{whole} {name} are left. {in_minutes(quota.trend)}{agree}".strip()


def counted_in_words(counted: str) -> str:
    """What a quota counts: `requests`, `input tokens`."""
    return _COUNTED.get(counted, counted.replace("_", " "))


def _length(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes:.0f} minute{'' if round(minutes) == 1 else 's'}"
    return f"{minutes / 60:.0f} hours" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"

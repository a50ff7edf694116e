"""Series of offers: a day of uptime and speed, in points of half an hour, for charts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from probes.ai.offers.offer import Offer

#: A day.
POINTS_MOST, EVERY_S = 48, 1_800

#: When (seconds since the epoch), and for each tag: uptime (%), first token (ms), tokens a second; None if not told.
Point = list[Any]


def extended(series: Sequence[Point], at_s: int, offers: Sequence[Offer]) -> list[Point]:
    """The series with these offers as its newest point, once half an hour has passed since the last."""
    if series and at_s - series[-1][0] < EVERY_S:
        return list(series)
    point: Point = [at_s, {one.tag: _figures(one) for one in offers}]
    return [*series, point][-POINTS_MOST:]


def values(series: Sequence[Point], tag: str, place: int) -> list[float | None]:
    """One figure of one offer over time: 0 uptime, 1 first token, 2 tokens a second."""
    return [_figure(point[1], tag, place) for point in series]


def _figures(offer: Offer) -> list[float | None]:
    uptime = offer.uptime_30m if offer.uptime_30m is not None else offer.uptime_5m
    speeds = [percentiles[0] if percentiles else None for percentiles in (offer.latency_ms, offer.throughput)]
    return [uptime, *speeds]


def _figure(figures: Mapping[str, Sequence[float | None]], tag: str, place: int) -> float | None:
    known = figures.get(tag)
    return known[place] if known is not None else None

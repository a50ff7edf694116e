"""Uptime accounting: every second is exactly one of maintenance, excluded, down or up. Pure.

Precedence where they overlap: maintenance, excluded, down, up. Degraded time counts as up and is also shown apart.
Spans are half open, in whole seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class UptimeSpans:
    """Spans of one monitor, in any order, with overlaps."""

    down: Sequence[Span] = ()
    degraded: Sequence[Span] = ()
    excluded: Sequence[Span] = ()
    maintenance: Sequence[Span] = ()


@dataclass(frozen=True, slots=True)
class Uptime:
    """Seconds of a window; `up_s`, `down_s`, `excluded_s` and `maintenance_s` sum to it."""

    up_s: int = 0
    down_s: int = 0
    excluded_s: int = 0
    maintenance_s: int = 0
    #: Of `up_s`.
    degraded_s: int = 0

    @property
    def wall_s(self) -> int:
        return self.up_s + self.down_s + self.excluded_s + self.maintenance_s

    @property
    def ratio(self) -> float | None:
        """Part of the counted time that was up; None when no time counts."""
        counted = self.up_s + self.down_s
        return self.up_s / counted if counted else None

    def __add__(self, other: Uptime) -> Uptime:
        return Uptime(
            self.up_s + other.up_s,
            self.down_s + other.down_s,
            self.excluded_s + other.excluded_s,
            self.maintenance_s + other.maintenance_s,
            self.degraded_s + other.degraded_s,
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """Spans without overlap, each kind in order; computed once for many windows."""

    down: tuple[Span, ...]
    degraded: tuple[Span, ...]
    excluded: tuple[Span, ...]
    maintenance: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day, or its part within the window."""

    date: date
    window: Span
    uptime: Uptime = field(default_factory=Uptime)


def settle(story: UptimeSpans) -> Settled:
    """Resolve overlaps by precedence."""
    maintenance = union(story.maintenance)
    excluded = minus(union(story.excluded), maintenance)
    taken = union([*maintenance, *excluded])
    down = minus(union(story.down), taken)
    degraded = minus(union(story.degraded), union([*taken, *down]))
    return Settled(down, degraded, excluded, maintenance)


def maintained(settled: Settled, spans: Sequence[Span]) -> Settled:
    """The same with more maintenance, which comes before all else."""
    if not spans:
        return settled
    more = (*settled.maintenance, *spans)
    return settle(UptimeSpans(settled.down, settled.degraded, settled.excluded, more))


def account(settled: Settled, window: Span) -> Uptime:
    """Seconds of one window."""
    down, excluded = _within(settled.down, window), _within(settled.excluded, window)
    maintenance = _within(settled.maintenance, window)
    up = max(0, window[1] - window[0]) - down - excluded - maintenance
    return Uptime(up, down, excluded, maintenance, _within(settled.degraded, window))


def by_day(settled: Settled, window: Span, zone: ZoneInfo) -> Iterator[Day]:
    """The window split at the midnights of a time zone: days may have 23 or 25 hours."""
    start, end = window
    while start < end:
        day = datetime.fromtimestamp(start, zone).date()
        until = min(midnight(day + timedelta(days=1), zone), end)
        yield Day(day, (start, until), account(settled, (start, until)))
        start = until


def midnight(day: date, zone: ZoneInfo) -> int:
    """Start of a day in a time zone; if midnight is skipped, the first moment after it."""
    at = datetime.combine(day, time(), zone)
    return int(at.astimezone(UTC).timestamp())


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Union in order, without overlap; adjacent spans are merged, empty ones dropped."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def minus(spans: Iterable[Span], taken: Sequence[Span]) -> tuple[Span, ...]:
    """`spans` without `taken`; both in order, without overlap."""
    left: list[Span] = []
    for start, end in spans:
        for other_start, other_end in taken:
            if other_end <= start:
                continue
            if other_start >= end:
                break
            if other_start > start:
                left.append((start, other_start))
            start = max(start, other_end)
            if start >= end:
                break
        if start < end:
            left.append((start, end))
    return tuple(left)


def _within(spans: Iterable[Span], window: Span) -> int:
    start, end = window
    return sum(
        min(end, span_end) - max(start, span_start)
        for span_start, span_end in spans
        if span_start < end and span_end > start
    )

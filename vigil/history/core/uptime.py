"""Uptime: every second of a window is maintenance, excluded, down or up, and exactly one of them. Pure.

What is claimed twice goes by this order: maintenance was announced, so nothing else counts in it; then what nobody
watched; then down; the rest is up. Degraded time is up, and shown beside it. Spans are half open, in whole seconds
since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class UptimeSpans:
    """What happened to one monitor: spans in any order, overlapping as they like."""

    down: Sequence[Span] = ()
    degraded: Sequence[Span] = ()
    excluded: Sequence[Span] = ()
    maintenance: Sequence[Span] = ()


@dataclass(frozen=True, slots=True)
class Uptime:
    """The seconds of a window; `up_s`, `down_s`, `excluded_s` and `maintenance_s` are all of it."""

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
        """The part of the counted time that was up; None when none counts."""
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
    """A story in spans that do not overlap, each kind in order; made once, asked about many windows."""

    down: tuple[Span, ...]
    degraded: tuple[Span, ...]
    excluded: tuple[Span, ...]
    maintenance: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar, or what of it lies in the window."""

    date: date
    window: Span
    uptime: Uptime = field(default_factory=Uptime)


def settle(story: UptimeSpans) -> Settled:
    """Give every second to the first that claims it."""
    maintenance = union(story.maintenance)
    excluded = minus(union(story.excluded), maintenance)
    taken = union([*maintenance, *excluded])
    down = minus(union(story.down), taken)
    degraded = minus(union(story.degraded), union([*taken, *down]))
    return Settled(down, degraded, excluded, maintenance)


def account(settled: Settled, window: Span) -> Uptime:
    """The seconds of one window."""
    down, excluded = _within(settled.down, window), _within(settled.excluded, window)
    maintenance = _within(settled.maintenance, window)
    up = max(0, window[1] - window[0]) - down - excluded - maintenance
    return Uptime(up, down, excluded, maintenance, _within(settled.degraded, window))


def by_day(settled: Settled, window: Span, zone: ZoneInfo) -> Iterator[Day]:
    """The window cut at the midnights of a time zone: days may have 23 or 25 hours."""
    start, end = window
    while start < end:
        day = datetime.fromtimestamp(start, zone).date()
        until = min(midnight(day + timedelta(days=1), zone), end)
        yield Day(day, (start, until), account(settled, (start, until)))
        start = until


def midnight(day: date, zone: ZoneInfo) -> int:
    """When a day begins in a time zone; where the clocks skip midnight, the first moment after it."""
    at = datetime.combine(day, time(), zone)
    return int(at.astimezone(UTC).timestamp())


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same seconds in order, without overlap; spans that touch are one, empty ones are none."""
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
    """What of `spans` is not in `taken`; both are in order, without overlap."""
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
    return sum(max(0, min(end, span_end) - max(start, span_start)) for span_start, span_end in spans)

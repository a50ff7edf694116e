"""Strips: the states of a monitor in equal slots of time (half hours, days), as runs such as `33u1d14u`. Pure.

The worst state of a slot wins. A slot that is partly unknown is unknown if it has no trouble; of the calm states the
one with the most time wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from vigil.history.core.uptime import Settled, Span, Uptime, account, minus, union
from vigil.read_models.core.figures import length, percent

HALF_HOUR_S, DAY_S = 1_800, 86_400
SLOTS, DAYS = 48, 90

#: Letter of each state in a run.
UP, DEGRADED, DOWN, UNKNOWN, PAUSED, MAINTENANCE = "u", "g", "d", "n", "p", "m"


@dataclass(frozen=True, slots=True)
class ShownSpans:
    """Settled spans of a monitor, those in which it was not seen, and the starts of its incidents (seconds)."""

    settled: Settled
    unseen: tuple[Span, ...] = ()
    begun: tuple[int, ...] = ()

    @property
    def unknown(self) -> tuple[Span, ...]:
        """Unseen time that is neither trouble nor maintenance: it counts for nothing."""
        taken = union([*self.settled.down, *self.settled.degraded, *self.settled.maintenance])
        return minus(union(self.unseen), taken)


@dataclass(frozen=True, slots=True)
class StripDay:
    """One day of a strip: its state, and what it was in words."""

    start: datetime
    state: str
    uptime: Uptime
    unknown_s: int
    incidents: int

    @property
    def text(self) -> str:
        """`22 Aug 2026, 99.31 %, 1 incident, 9 min down`."""
        return ", ".join([f"{self.start.day} {self.start:%b %Y}", *self._parts()])

    def _parts(self) -> Iterable[str]:
        if self.uptime.ratio is None:
            yield {UNKNOWN: "unknown", MAINTENANCE: "maintenance"}.get(self.state, "not measured")
        else:
            yield percent(self.uptime.ratio)
        if self.incidents:
            yield f"{self.incidents} incident{'' if self.incidents == 1 else 's'}"
        if self.uptime.down_s:
            yield f"{length(timedelta(seconds=self.uptime.down_s))} down"
        if self.uptime.ratio is not None and self.unknown_s:
            yield f"{length(timedelta(seconds=self.unknown_s))} unknown"


def last_slots(now_s: int, slot_s: int = HALF_HOUR_S, count: int = SLOTS) -> list[Span]:
    """The newest slots, aligned to the clock; the last one ends now."""
    end = now_s - now_s % slot_s
    first = end - (count - 1) * slot_s
    return [(at, min(at + slot_s, max(now_s, at + 1))) for at in range(first, end + 1, slot_s)]


def strip(spans: ShownSpans, slots: Sequence[Span]) -> str:
    """States of the slots as runs, the oldest first."""
    if not slots:
        return ""
    seen, window = spans.settled, (slots[0][0], slots[-1][1])
    # Of ninety days only what these slots hold: mostly nothing, and then one span.
    settled = Settled(
        *(_overlapping(one, window) for one in (seen.down, seen.degraded, seen.excluded, seen.maintenance))
    )
    unseen = _overlapping(spans.unseen, window)
    if not (settled.down or settled.degraded or settled.excluded or settled.maintenance or unseen):
        return f"{len(slots)}{UP}"
    unknown = ShownSpans(settled, unseen).unknown if unseen else ()
    return runs(_state(settled, unknown, slot) for slot in slots)


def days(spans: ShownSpans, now_s: int, count: int = DAYS) -> list[StripDay]:
    """The newest days (UTC), the oldest first; the last is today's part."""
    unknown = spans.unknown
    found = []
    for slot in last_slots(now_s, DAY_S, count):
        begun = sum(slot[0] <= at < slot[1] for at in spans.begun)
        state = _state(spans.settled, unknown, slot)
        uptime = account(spans.settled, slot)
        found.append(StripDay(datetime.fromtimestamp(slot[0], UTC), state, uptime, _overlap(unknown, slot), begun))
    return found


def runs(states: Iterable[str]) -> str:
    """Run lengths of states: `33u1d14u`."""
    return "".join(f"{len(list(same))}{state}" for state, same in groupby(states))


def _overlapping(spans: Iterable[Span], window: Span) -> tuple[Span, ...]:
    start, end = window
    return tuple(span for span in spans if span[0] < end and span[1] > start)


def _state(settled: Settled, unknown: Sequence[Span], slot: Span) -> str:
    start, end = slot
    for state, kind in ((DOWN, settled.down), (DEGRADED, settled.degraded), (UNKNOWN, unknown)):
        for span in kind:
            if span[0] < end and span[1] > start:
                return state
    if not settled.maintenance and not settled.excluded:
        return UP
    uptime = account(settled, slot)
    calm = {UP: uptime.up_s, MAINTENANCE: uptime.maintenance_s, PAUSED: uptime.excluded_s}
    return max(calm, key=lambda state: calm[state])


def _overlap(spans: Iterable[Span], slot: Span) -> int:
    return sum(max(0, min(end, slot[1]) - max(start, slot[0])) for start, end in spans)

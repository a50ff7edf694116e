"""Latch with persistence and hysteresis: what must last before it counts, and last again before it ends. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latch:
    """Whether something counts, and since when the opposite was seen (s since 1970); None while it is not."""

    on: bool = False
    turning_s: float | None = None


OFF = Latch()


@dataclass(frozen=True, slots=True)
class LatchTimes:
    """How long it must be seen before it counts, and not be seen before it ends (s)."""

    on_after_s: float
    off_after_s: float


def turned(latch: Latch, seen: bool, gone: bool, now_s: float, times: LatchTimes) -> Latch:
    """The next state. `seen` is above the upper bound, `gone` below the lower one; between them nothing turns."""
    opposite = gone if latch.on else seen
    if not opposite:
        return Latch(latch.on)
    since_s = now_s if latch.turning_s is None else min(latch.turning_s, now_s)
    lasts = times.off_after_s if latch.on else times.on_after_s
    return Latch(not latch.on) if now_s - since_s >= lasts else Latch(latch.on, since_s)

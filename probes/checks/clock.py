"""Clock offset between this machine and Redis, from timed requests, and detection of clock steps. Pure."""

from __future__ import annotations

from collections import deque

_SAMPLES = 6
#: Wall and steady clock drift apart by this much (s) between two looks: the wall clock was set.
_STEP_S = 0.5


class Steps:
    """Detects that the wall clock was set, by comparison with a steady clock that cannot be set."""

    def __init__(self, wall_s: float, steady_s: float) -> None:
        self._ahead_s = wall_s - steady_s

    def look(self, wall_s: float, steady_s: float) -> float:
        """By how much (s) it was set since the last look; 0 where it was not."""
        ahead_s = wall_s - steady_s
        stepped_s, self._ahead_s = ahead_s - self._ahead_s, ahead_s
        return stepped_s if abs(stepped_s) >= _STEP_S else 0.0


class ClockOffset:
    """The offset measured by the quickest of the last few answers, whose midpoint is the most precise."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)

    def add(self, asked_s: float, redis_s: float, answered_s: float) -> None:
        """Take one sample, in seconds since the epoch: asked and answered on our clock, and the time of Redis."""
        took_s, off_s = answered_s - asked_s, (asked_s + answered_s) / 2 - redis_s
        # More than both answers can be wrong by: the clock of Redis was set, and what is signed must follow it.
        if self._samples and abs(off_s - min(self._samples)[1]) > _STEP_S + took_s + min(self._samples)[0]:
            self._samples.clear()
        self._samples.append((took_s, off_s))

    def shift(self, by_s: float) -> None:
        """Our clock was set: what was measured before is off by as much."""
        self._samples = deque(((took_s, off_s + by_s) for took_s, off_s in self._samples), maxlen=_SAMPLES)

    @property
    def ms(self) -> float:
        """Our clock minus that of Redis, in milliseconds; 0 before the first answer."""
        return min(self._samples)[1] * 1000 if self._samples else 0.0

"""How far this machine's clock is from that of Redis, judged from timed questions, and when it was set."""

from __future__ import annotations

from collections import deque

_SAMPLES = 6
#: A difference between two clocks of one machine, from one look to the next, that is a step of the one that can be set.
_STEP_S = 0.5


class Steps:
    """Sees when the clock of the wall was set, against one that nobody sets; between two looks both go on alike."""

    def __init__(self, wall_s: float, steady_s: float) -> None:
        self._ahead_s = wall_s - steady_s

    def look(self, wall_s: float, steady_s: float) -> float:
        """By how much (s) it was set since the last look; 0 for what is no step."""
        ahead_s = wall_s - steady_s
        stepped_s, self._ahead_s = ahead_s - self._ahead_s, ahead_s
        return stepped_s if abs(stepped_s) >= _STEP_S else 0.0


class ClockOffset:
    """The offset of the quickest of the last few answers, since its midpoint is the surest."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)

    def add(self, asked_s: float, redis_s: float, answered_s: float) -> None:
        """Take one answer: when we asked and got it by our clock, and what Redis said; seconds since the epoch."""
        self._samples.append((answered_s - asked_s, (asked_s + answered_s) / 2 - redis_s))

    def shift(self, by_s: float) -> None:
        """Our clock was set: what was measured before is off by as much."""
        self._samples = deque(((took_s, off_s + by_s) for took_s, off_s in self._samples), maxlen=_SAMPLES)

    @property
    def ms(self) -> float:
        """Our clock minus that of Redis, in milliseconds; 0 before the first answer."""
        return min(self._samples)[1] * 1000 if self._samples else 0.0

"""How far this machine's clock is from that of Redis, judged from timed questions: pure."""

from __future__ import annotations

from collections import deque

_SAMPLES = 6


class ClockOffset:
    """The offset of the quickest of the last few answers, since its midpoint is the surest."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)

    def add(self, asked_s: float, redis_s: float, answered_s: float) -> None:
        """Take one answer: when we asked and got it by our clock, and what Redis said; seconds since the epoch."""
        self._samples.append((answered_s - asked_s, (asked_s + answered_s) / 2 - redis_s))

    @property
    def ms(self) -> float:
        """Our clock minus that of Redis, in milliseconds; 0 before the first answer."""
        return min(self._samples)[1] * 1000 if self._samples else 0.0

"""Pace of letters: so many a second, and a rest while the mail server is away. Pure; the clock is an argument."""

from __future__ import annotations

#: Letters a second: 10,000 take about a minute, and alerts of the same process keep most of the processor.
PER_S, BURST = 160.0, 40.0
#: The first rest and the longest (s).
REST_S, REST_MOST_S = 2.0, 60.0


class LetterPace:
    """A token bucket that rests, longer each time in a row."""

    def __init__(self, per_s: float = PER_S, burst: float = BURST) -> None:
        self._per_s, self._burst = per_s, burst
        self._tokens, self._filled_s = burst, 0.0
        self._rests_until_s, self._rest_s = 0.0, REST_S

    def room(self, most: int, now_s: float) -> int:
        """How many may be begun now, at most `most`."""
        if now_s < self._rests_until_s:
            return 0
        self._tokens = min(self._burst, self._tokens + max(0.0, now_s - self._filled_s) * self._per_s)
        self._filled_s = now_s
        return max(0, min(most, int(self._tokens)))

    def begin(self, count: int) -> None:
        """Count letters that are begun."""
        self._tokens -= count

    def rest(self, now_s: float) -> None:
        """The server is away: begin none for a while. What was begun together tells it together, and counts once."""
        if now_s >= self._rests_until_s:
            self._rests_until_s = now_s + self._rest_s
            self._rest_s = min(REST_MOST_S, self._rest_s * 2)

    def answered(self) -> None:
        """The server answers."""
        self._rest_s = REST_S

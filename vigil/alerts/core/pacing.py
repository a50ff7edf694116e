"""Pacing (rate limiting and concurrency) of each channel: receiver limits, Retry-After, health."""

from __future__ import annotations

from dataclasses import dataclass

#: Concurrent messages of one channel: few until it has answered, one while it does not. So hanging receivers cannot
#: crowd out the others.
PER_CHANNEL = 8
AT_FIRST = 2
#: Longest wait for a turn in memory; later messages stay in the outbox.
LONGEST_WAIT_S = 12.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Token bucket: `per_s` messages a second, and `burst` at once."""

    per_s: float
    burst: int = 1


#: A receiver without a documented limit.
UNPACED = Pace(per_s=1_000_000.0, burst=1_000_000)


@dataclass(slots=True)
class _State:
    pace: Pace = UNPACED
    tokens: float = 0.0
    stamp_s: float = 0.0
    under_way: int = 0
    allowed: int = AT_FIRST
    rests_until_s: float = 0.0


class Paces:
    """Pace of every channel in this process. Pure: the clock is an argument."""

    def __init__(self) -> None:
        self._states: dict[int, _State] = {}

    def begin(self, channel: int, pace: Pace, now_s: float) -> float:
        """Count a message as in flight; returns the seconds to wait for its turn."""
        state = self._states.get(channel)
        if state is None or state.pace != pace:
            state = self._states[channel] = _State(
                pace, float(pace.burst), now_s, state.under_way if state else 0, state.allowed if state else AT_FIRST
            )
        self._refill(state, now_s)
        state.under_way += 1
        state.tokens -= 1
        return max(0.0, -state.tokens / pace.per_s, state.rests_until_s - now_s)

    def end(self, channel: int, *, answered: bool) -> None:
        """Count a message as finished; `answered` raises or lowers the allowed concurrency."""
        state = self._states.get(channel)
        if state is not None:
            state.under_way -= 1
            state.allowed = min(PER_CHANNEL, state.allowed * 2) if answered else 1

    def rest(self, channel: int, until_s: float) -> None:
        """Pause a channel: the receiver asked for a wait, which applies to all its messages."""
        state = self._states.setdefault(channel, _State())
        state.rests_until_s = max(state.rests_until_s, until_s)

    def room(self, now_s: float) -> dict[int, int]:
        """Free slots of each known channel."""
        return {channel: self._room(state, now_s) for channel, state in self._states.items()}

    def _room(self, state: _State, now_s: float) -> int:
        if state.rests_until_s > now_s:
            return 0
        self._refill(state, now_s)
        allowed = state.allowed - state.under_way
        # Messages beyond the longest wait stay in the outbox, for another sender or a digest.
        in_time = int(state.tokens + state.pace.per_s * LONGEST_WAIT_S)
        return max(0, min(allowed, in_time))

    def _refill(self, state: _State, now_s: float) -> None:
        state.tokens = min(float(state.pace.burst), state.tokens + (now_s - state.stamp_s) * state.pace.per_s)
        state.stamp_s = now_s

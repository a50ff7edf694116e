"""How many messages a channel may have under way, and when each may go: its kind's pace, its wishes, its health."""

from __future__ import annotations

from dataclasses import dataclass

#: Messages of one channel under way at once: few until it has answered, one while it does not. So a hundred channels
#: of a provider that hangs are no crowd in front of the others.
PER_CHANNEL = 8
AT_FIRST = 2
#: Messages wait for their turn in memory for at most this long; others stay in the outbox.
LONGEST_WAIT_S = 12.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a receiver may be sent to: `per_s` messages a second, and `burst` at once after a quiet time."""

    per_s: float
    burst: int = 1


#: A receiver that says nothing of a limit.
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
    """Every channel's pace, in this process. Pure: the clock is an argument."""

    def __init__(self) -> None:
        self._states: dict[int, _State] = {}

    def begin(self, channel: int, pace: Pace, now_s: float) -> float:
        """Count a message as under way; returns how long it has to wait for its turn."""
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
        """A message is no longer under way; whether the receiver answered at all says how many may go at once."""
        state = self._states.get(channel)
        if state is not None:
            state.under_way -= 1
            state.allowed = min(PER_CHANNEL, state.allowed * 2) if answered else 1

    def rest(self, channel: int, until_s: float) -> None:
        """The receiver wants to be left alone for a while: not only by the message that it said so to."""
        state = self._states.setdefault(channel, _State())
        state.rests_until_s = max(state.rests_until_s, until_s)

    def room(self, now_s: float) -> dict[int, int]:
        """How many messages more each known channel may have under way."""
        return {channel: self._room(state, now_s) for channel, state in self._states.items()}

    def _room(self, state: _State, now_s: float) -> int:
        if state.rests_until_s > now_s:
            return 0
        self._refill(state, now_s)
        allowed = state.allowed - state.under_way
        # What would have to wait too long stays in the outbox, where another sender or a storm's digest finds it.
        in_time = int(state.tokens + state.pace.per_s * LONGEST_WAIT_S)
        return max(0, min(allowed, in_time))

    def _refill(self, state: _State, now_s: float) -> None:
        state.tokens = min(float(state.pace.burst), state.tokens + (now_s - state.stamp_s) * state.pace.per_s)
        state.stamp_s = now_s

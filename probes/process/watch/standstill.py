"""Standstill of a loop: decided by how long it has not turned, and by what its thread did meanwhile. Pure.

What counts is time that the watch itself was awake for: a machine that slept, a process that was stopped and a
machine so busy that the watch did not run either are no standstill. A loop that waits for a server is none, since each
such wait ends by a deadline of its own. And a loop that works is given CPU time, not seconds: a slow machine has as
much of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: A late watch counts as no more than this many of its intervals.
LATE_INTERVALS = 2


class LoopKind(StrEnum):
    """What turns: a thread with a loop of its own (also an event loop), or a task beside others on an event loop."""

    THREAD = "thread"
    TASK = "task"


class Standstill(StrEnum):
    """Whether a loop stands still, and how."""

    NONE = "none"
    SPINS = "spins"
    STANDS = "stands"


@dataclass(frozen=True, slots=True)
class StandstillLimits:
    """After how much of its CPU time, of standing, or of waiting for a server a loop stands still (s)."""

    spin_cpu_s: float = 60.0
    stand_s: float = 60.0
    wait_s: float = 240.0
    #: Before the process is ready, everything may take so many times as long.
    at_start: float = 5.0


@dataclass(frozen=True, slots=True)
class LoopLook:
    """A loop since it last turned: seconds that the watch was awake for, its thread's CPU time, what it does now."""

    kind: LoopKind
    still_s: float
    cpu_s: float
    waits_for_server: bool
    is_ready: bool


def judge(look: LoopLook, limits: StandstillLimits) -> Standstill:
    """Whether the loop stands still. A task may wait for others on its loop, so its limit is the longer one."""
    times = 1.0 if look.is_ready else limits.at_start
    if look.kind is LoopKind.THREAD and look.cpu_s > limits.spin_cpu_s * times:
        return Standstill.SPINS
    waits = look.waits_for_server or look.kind is LoopKind.TASK
    # What has burned CPU time is at work, and comes under the first limit.
    at_work = look.kind is LoopKind.THREAD and look.cpu_s > look.still_s / 10
    limit_s = limits.wait_s if waits or at_work else limits.stand_s
    return Standstill.STANDS if look.still_s > limit_s * times else Standstill.NONE


class Stillness:
    """How long one loop has not turned, as far as the watch was awake."""

    def __init__(self) -> None:
        self._turns = -1
        self._cpu_at_turn_s = 0.0
        self._still_s = 0.0

    def look(self, turns: int, cpu_s: float, since_last_look_s: float, interval_s: float) -> tuple[float, float]:
        """Take the number of its turns and the CPU time of its thread; returns both for a `LoopLook`."""
        if turns != self._turns:
            self._turns, self._cpu_at_turn_s, self._still_s = turns, cpu_s, 0.0
        else:
            self._still_s += min(since_last_look_s, LATE_INTERVALS * interval_s)
        return self._still_s, cpu_s - self._cpu_at_turn_s

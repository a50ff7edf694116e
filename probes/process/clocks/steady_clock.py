"""Steady clock: one that no step of the machine's clock moves, for what lies between two looks at another clock."""

from __future__ import annotations

import time

#: Goes on while the machine sleeps, where the system has it: https://man7.org/linux/man-pages/man2/clock_gettime.2.html
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_ns() -> int:
    """Nanoseconds since some moment before this process."""
    return time.clock_gettime_ns(_CLOCK)


def wall_offset_ns() -> int:
    """How far this machine's clock is ahead of the steady one now."""
    return time.time_ns() - steady_ns()

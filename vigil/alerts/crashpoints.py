"""Crash points: fault injection for tests, before and after each commit, send and acknowledgement."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from enum import StrEnum
from typing import Any


class CrashPoint(StrEnum):
    """Places to crash. `RECORD_*` also cover switching a channel off, which is written with the refusal."""

    CLAIM_LOCKED = "claim_locked"
    CLAIM_WRITTEN = "claim_written"
    CLAIM_COMMITTED = "claim_committed"
    LOADED = "loaded"
    SEND_BEFORE = "send_before"
    SEND_ACCEPTED = "send_accepted"
    SEND_NOTED = "send_noted"
    SEND_REFUSED = "send_refused"
    RECORD_BEFORE = "record_before"
    RECORD_WRITTEN = "record_written"
    RECORD_COMMITTED = "record_committed"
    ESCALATE_BEFORE = "escalate_before"
    ESCALATE_WRITTEN = "escalate_written"
    ESCALATE_COMMITTED = "escalate_committed"


VARIABLE = "VIGIL_CRASH_AT"

_arm: list[Callable[[Any], None]] = []


def reach(point: StrEnum) -> None:
    """Pass a crash point, of these or of another sender's; an armed one may not return."""
    for act in _arm:
        act(point)


def arm(act: Callable[[Any], None]) -> None:
    """Call this function at every point from now on."""
    _arm[:] = [act]


def disarm() -> None:
    _arm.clear()


def arm_from_environment() -> None:
    """`VIGIL_CRASH_AT=point:n` kills this process at the nth pass of the point."""
    wanted = os.environ.get(VARIABLE, "")
    if not wanted:
        return
    name, _, number = wanted.partition(":")
    left = [int(number or 1)]

    def act(reached: StrEnum) -> None:
        if reached.value == name:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    arm(act)

"""Standstill: a loop that neither turns nor waits is found; sleep, load and servers that are away are no standstill."""

from __future__ import annotations

import pytest

from probes.process.watch.standstill import LoopKind, LoopLook, Standstill, StandstillLimits, Stillness, judge

LIMITS = StandstillLimits(spin_cpu_s=60, stand_s=60, wait_s=240, at_start=5)
THREAD, TASK = LoopKind.THREAD, LoopKind.TASK
NONE, SPINS, STANDS = Standstill.NONE, Standstill.SPINS, Standstill.STANDS


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        pytest.param(LoopLook(THREAD, 1, 0.5, False, True), NONE, id="a turn"),
        pytest.param(LoopLook(THREAD, 62, 61, False, True), SPINS, id="an endless loop"),
        pytest.param(LoopLook(THREAD, 200, 40, False, True), NONE, id="a long turn on a busy machine"),
        pytest.param(LoopLook(THREAD, 241, 59, False, True), STANDS, id="whatever it does, a turn ends some time"),
        pytest.param(LoopLook(THREAD, 61, 0.1, False, True), STANDS, id="a lock that is never given back"),
        pytest.param(LoopLook(THREAD, 200, 0.1, True, True), NONE, id="a server that is away"),
        pytest.param(LoopLook(THREAD, 241, 0.1, True, True), STANDS, id="a wait for a server without a deadline"),
        pytest.param(LoopLook(THREAD, 250, 250, False, False), NONE, id="a slow start"),
        pytest.param(LoopLook(THREAD, 301, 301, False, False), SPINS, id="an endless start"),
        pytest.param(LoopLook(TASK, 200, 200, False, True), NONE, id="a task that waits, on a busy event loop"),
        pytest.param(LoopLook(TASK, 241, 0.1, False, True), STANDS, id="an await that never ends"),
    ],
)
def test_a_loop_that_stands_still_is_found(look: LoopLook, expected: Standstill) -> None:
    assert judge(look, LIMITS) is expected


def test_only_time_that_the_watch_was_awake_for_counts() -> None:
    loop = Stillness()
    assert loop.look(1, 5.0, 2, 2) == (0.0, 0.0)
    assert loop.look(1, 7.0, 2, 2) == (2.0, 2.0)
    # The machine slept for eight hours, or the process was stopped.
    assert loop.look(1, 7.0, 28_800, 2) == (6.0, 2.0)
    assert loop.look(2, 9.0, 2, 2) == (0.0, 0.0)
    assert loop.look(2, 9.5, 2, 2) == (2.0, 0.5)

"""Threads beside a main loop: whatever ends one, it is started again, and the loop never waits for it."""

from __future__ import annotations

import threading

import pytest

from probes.process.liveness import EVERY_S, LivenessReporter
from probes.process.main_loop import RESTART_S, LastingThread
from tests.planting import NoException
from tests.signed import macs
from tests.waiting import until


@pytest.mark.parametrize("fault", [ValueError, SystemExit, NoException, MemoryError])
def test_s05_a_thread_that_ended_is_started_again_once_a_second_at_most(fault: type[BaseException]) -> None:
    now_s, begun = 0.0, 0

    def work() -> None:
        nonlocal begun
        begun += 1
        raise fault

    thread = LastingThread("watch", work, lambda: now_s)
    thread.start()
    for expected in (2, 3):
        thread.join(10)
        assert not thread.keep_alive() and begun == expected - 1, "not yet"
        now_s += RESTART_S
        assert not thread.keep_alive()
        thread.join(10)
        assert (begun, thread.restarts) == (expected, expected - 1)


def test_s05_a_thread_that_runs_is_left_alone() -> None:
    stop = threading.Event()
    thread = LastingThread("watch", lambda: stop.wait(20))
    thread.start()
    assert thread.keep_alive() and thread.restarts == 0
    stop.set()
    thread.join(10)


def test_s05_a_mark_that_cannot_be_written_ends_no_reporter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.process.liveness.EVERY_S", 0.01)
    assert EVERY_S > 1
    asked = 0

    def is_well() -> bool:
        nonlocal asked
        asked += 1
        raise OverflowError

    reporter = LivenessReporter(None, "deliver", macs(), is_well)  # type: ignore[arg-type]
    reporter.start()
    try:
        until(lambda: asked > 2, "the next marks")
        assert reporter.is_alive()
    finally:
        reporter.stop()
        reporter.join(10)

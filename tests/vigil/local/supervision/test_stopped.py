"""Stopped processes: named after some seconds, by the kernel's word, and not after a sleep of the looker itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.waiting import until
from vigil.local.supervision.stopped import STOPPED_S, StoppedProcesses, stopped_below


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param([(1, {7}), (2, {7}), (3, {7})], [], id="not for long"),
        pytest.param([(1, {7}), (2, {7}), (3, {7}), (4, {7})], [(4, 7)], id="for long"),
        pytest.param([(1, {7}), (2, set()), (3, {7}), (4, {7})], [], id="continued in between"),
        pytest.param([(1, {7}), (9, {7}), (10, {7}), (11, {7})], [], id="the looker was stopped as well"),
        pytest.param([(1, {7}), (2, {7, 8}), (3, {7, 8}), (4, {7, 8}), (5, {8})], [(4, 7), (5, 8)], id="each alone"),
        pytest.param([(second, {7}) for second in range(1, 9)], [(4, 7), (8, 7)], id="named again after as long"),
    ],
)
def test_a_process_is_named_after_it_was_stopped_for_long(
    looks: list[tuple[float, set[int]]], expected: list[tuple[float, int]]
) -> None:
    assert STOPPED_S == 3
    stopped = StoppedProcesses()
    assert [(now_s, pid) for now_s, pids in looks for pid in stopped.overdue(now_s, pids)] == expected


def test_a_stopped_process_is_found_below_its_parent() -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()"
    )
    with subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert stopped_below(parent.pid) == []
        os.kill(child, signal.SIGSTOP)
        until(lambda: stopped_below(parent.pid) == [child])
        os.kill(child, signal.SIGKILL)
    assert stopped_below(parent.pid) == []

"""The watchdog ends a process whose loop stands still, whatever holds it, and lets every other one live."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from probes.process.watch.watchdog import STOOD_STILL
from tests.waiting import until

CHECKOUT = Path(__file__).resolve().parents[4]
FRAME = """
import asyncio, re, sys, threading, time, types
from probes.process.health import Health
from probes.process.watch.standstill import LoopKind, StandstillLimits
from probes.process.watch.watchdog import ON_EVENT_LOOP, Watchdog, tick
health = Health("test", 15)
limits = StandstillLimits(spin_cpu_s=0.3, stand_s=0.8, wait_s=1.6, at_start=2)
def watch(*loops):
    Watchdog(health, *loops, limits=limits).start()
    health.mark_ready()
    health.beat()
def of_server(text):
    module = types.ModuleType("psycopg.waiting")
    exec(text, module.__dict__)
    return module
"""
HANGS = {
    "an endless loop": "watch()\nwhile True: pass",
    "a lock that is never given back": "watch()\nthreading.Lock().acquire() and threading.Event().wait()",
    "a wait for a server without end": "watch()\nof_server('import time\\ndef wait(): time.sleep(60)').wait()",
    "an await that never ends": (
        "async def main():\n    ticking = asyncio.create_task(tick(health))\n    await asyncio.Event().wait()\n"
        "watch(ON_EVENT_LOOP)\nasyncio.run(main())"
    ),
    "an endless loop in a coroutine": (
        "async def main():\n    ticking = asyncio.create_task(tick(health))\n    await asyncio.sleep(0.1)\n"
        "    while True: health.beat()\n"
        "watch(ON_EVENT_LOOP)\nasyncio.run(main())"
    ),
}
LIVES = {
    "a loop that turns": "for _ in range(24): health.beat(); time.sleep(0.1)",
    "a wait for a server": "of_server('import time\\ndef wait(): time.sleep(1.2)').wait()",
    "work between turns": "until_s = time.process_time() + 0.1\nwhile time.process_time() < until_s: pass",
}


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FRAME + code],
        cwd=CHECKOUT, env=dict(os.environ) | env, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("code", HANGS.values(), ids=HANGS.keys())
def test_a_process_whose_loop_stands_still_ends_with_its_stacks(code: str) -> None:
    ended = run(code)
    assert ended.returncode == STOOD_STILL, ended.stderr
    assert "most recent call first" in ended.stderr


def test_code_that_never_lets_go_of_the_interpreter_is_ended_by_the_kernel() -> None:
    ended = run("watch()\nre.match('(a+)+b', 'a' * 60)")
    assert ended.returncode == -signal.SIGPROF


@pytest.mark.parametrize("code", LIVES.values(), ids=LIVES.keys())
def test_a_process_that_works_or_waits_lives_on(code: str) -> None:
    ended = run(f"watch()\n{code}\nprint('lives')")
    assert (ended.returncode, ended.stdout) == (0, "lives\n"), ended.stderr


def test_a_process_that_was_stopped_is_not_blamed_for_it() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", FRAME + "watch()\nprint('up', flush=True)\nhealth.beat()\ntime.sleep(0.6)"],
        cwd=CHECKOUT, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signal.SIGSTOP)
    until(lambda: Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    process.send_signal(signal.SIGCONT)
    assert process.wait(20) == 0
    process.stdout.close()


def test_systemd_hears_of_the_start_and_of_every_look(tmp_path: Path) -> None:
    address = f"\0vigil-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        run("watch()\ntime.sleep(0.5)", NOTIFY_SOCKET=address.replace("\0", "@"))
        manager.settimeout(5)
        assert [manager.recv(100), manager.recv(100)] == [b"READY=1", b"WATCHDOG=1"]


def test_the_alive_file_appears_with_the_start_and_is_renewed_while_the_loops_turn(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    beats = "for _ in range(10): health.beat(); time.sleep(0.1)"
    age, look = f"os.utime({str(alive)!r}, (1, 1))", f"print(os.path.getmtime({str(alive)!r}) > 1)"
    ended = run("\n".join(["import os", "watch()", beats, age, beats, look]), VIGIL_ALIVE_FILE=str(alive))
    assert (ended.returncode, ended.stdout) == (0, "True\n"), ended.stderr


def test_an_alive_file_of_a_process_that_is_not_ready_does_not_appear(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    code = "Watchdog(health, limits=limits).start()\nfor _ in range(6): health.beat(); time.sleep(0.1)"
    assert run(code, VIGIL_ALIVE_FILE=str(alive)).returncode == 0
    assert not alive.exists()


def test_an_alive_file_that_cannot_be_written_ends_no_process(tmp_path: Path) -> None:
    ended = run(
        "watch()\nfor _ in range(6): health.beat(); time.sleep(0.1)", VIGIL_ALIVE_FILE=str(tmp_path / "no" / "alive")
    )
    assert ended.returncode == 0

"""The supervisor starts in order, restarts what ends, stops in order and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.standins import is_alive, stand_in
from tests.waiting import until, until_async
from vigil.local import log_output
from vigil.local.errors import CannotStart
from vigil.local.programs import Program, RestartPace
from vigil.local.supervisor import Supervisor

QUICK = RestartPace(first_backoff_s=0.01, longest_backoff_s=0.05, stop_deadline_s=1, alarm_ends=4)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 30))


def step(name: str, code: str, after: tuple[str, ...] = ()) -> Program:
    return Program(name, [sys.executable, "-S", "-c", code], dict(os.environ), after=after, once=True)


def failing(name: str, code: str) -> Program:
    async def never() -> bool:
        return False

    return Program(name, [sys.executable, "-S", "-c", code], dict(os.environ), is_ready=never)


class Lines:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.heard.append((name, line))


def test_processes_start_after_what_they_need_and_stop_before_it(tmp_path: Path) -> None:
    stops, lines = tmp_path / "stops", Lines()
    programs = [
        stand_in("web", stops, after=("tables",)),
        step("tables", "print('the link')", after=("database",)),
        stand_in("database", stops),
    ]

    async def story() -> None:
        supervisor = Supervisor(programs, lines, QUICK)
        supervisor.start()
        await supervisor.wait_ready(15)
        assert supervisor.output("tables") == "the link\n"
        await supervisor.stop()
        assert supervisor.pids() == {}

    run(story())
    assert [name for name, line in lines.heard if "hello" in line] == ["database", "web"]
    assert stops.read_text().split() == ["web", "database"]


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    async def story() -> None:
        supervisor = Supervisor([stand_in("worker", tmp_path / "stops")], Lines(), QUICK)
        supervisor.start()
        await supervisor.wait_ready(15)
        first = supervisor.pid("worker")
        os.kill(first, signal.SIGKILL)
        await until_async(lambda: supervisor.pid("worker") not in (0, first) and supervisor.is_ready("worker"))
        assert not is_alive(first)
        await supervisor.stop()

    run(story())


def test_a_process_that_keeps_ending_is_reported_loudly_and_still_started(tmp_path: Path) -> None:
    lines = Lines()

    async def story() -> None:
        supervisor = Supervisor([failing("dispatch", "print('bad luck'); raise SystemExit(3)")], lines, QUICK)
        supervisor.start()
        await until_async(lambda: supervisor.starts("dispatch") >= 6)
        await supervisor.stop()

    run(story())
    assert any("dispatch keeps ending" in line and "bad luck" in line for _, line in lines.heard)


def test_n26_a_line_that_means_nothing_here_is_not_passed_on() -> None:
    lines = Lines()
    asked = replace(step("server", "print('too early', flush=True); print('true news')"), once=False)

    async def story() -> None:
        supervisor = Supervisor([replace(asked, unsaid=re.compile("too early"))], lines, QUICK)
        supervisor.start()
        await until_async(lambda: ("server", "true news") in lines.heard)
        await supervisor.stop()

    run(story())
    assert ("server", "too early") not in lines.heard


def test_a_process_that_never_starts_fails_the_start_with_its_last_words() -> None:
    async def story() -> None:
        supervisor = Supervisor([failing("web", "raise SystemExit('vigil: port 1 is in use')")], Lines(), QUICK)
        supervisor.start()
        with pytest.raises(CannotStart, match="web does not start: vigil: port 1 is in use"):
            await supervisor.wait_ready(15)
        await supervisor.stop()

    run(story())


def test_a_failed_step_fails_the_start_with_its_last_words(tmp_path: Path) -> None:
    async def story() -> None:
        programs = [step("tables", "raise SystemExit('no room')"), stand_in("web", tmp_path, after=("tables",))]
        supervisor = Supervisor(programs, Lines(), QUICK)
        supervisor.start()
        with pytest.raises(CannotStart, match="tables failed: no room"):
            await supervisor.wait_ready(15)
        await supervisor.stop()
        assert supervisor.starts("web") == 0

    run(story())


def test_a_program_that_does_not_exist_fails_the_start() -> None:
    async def story() -> None:
        supervisor = Supervisor([Program("redis", ["/nowhere/redis-server"], {})], Lines(), QUICK)
        supervisor.start()
        with pytest.raises(CannotStart, match="redis does not start: cannot be started"):
            await supervisor.wait_ready(15)
        await supervisor.stop()

    run(story())


def test_a_process_that_will_not_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    stubborn = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(child)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )

    async def has_child() -> bool:
        return child.exists() and child.read_text() != ""

    async def story() -> None:
        program = Program("stubborn", [sys.executable, "-S", "-c", stubborn], dict(os.environ), is_ready=has_child)
        supervisor = Supervisor([program], Lines(), QUICK)
        supervisor.start()
        await supervisor.wait_ready(15)
        pids = [supervisor.pid("stubborn"), int(child.read_text())]
        await supervisor.stop()
        await until_async(lambda: not any(map(is_alive, pids)))

    run(story())


def test_a_line_without_an_end_does_not_fill_memory() -> None:
    lines = Lines()

    async def story() -> None:
        code = "import sys; sys.stdout.write('x' * 1_000_000)"
        supervisor = Supervisor([failing("chatty", code)], lines, QUICK)
        supervisor.start()
        await until_async(lambda: supervisor.starts("chatty") >= 2)
        await supervisor.stop()

    run(story())
    assert max(len(line) for _, line in lines.heard) < 64_000


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    code = f"""
import asyncio, pathlib
from tests.standins import stand_in
from vigil.local.supervisor import Supervisor
async def main():
    supervisor = Supervisor([stand_in(name, pathlib.Path({str(tmp_path / "stops")!r})) for name in "abc"], print)
    supervisor.start()
    await supervisor.wait_ready(15)
    print("pids", *supervisor.pids().values(), flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        line = next(line for line in parent.stdout if line.startswith("pids"))
        children = [int(pid) for pid in line.split()[1:]]
        assert all(map(is_alive, children))
        parent.kill()
    until(lambda: not any(map(is_alive, children)))


@pytest.mark.parametrize(("ends", "wait_s"), [(0, 0.2), (1, 0.2), (2, 0.4), (6, 6.4), (7, 10.0), (500, 10.0)])
def test_the_wait_before_a_restart_doubles_up_to_ten_seconds(ends: int, wait_s: float) -> None:
    assert RestartPace().backoff_s(ends) == pytest.approx(wait_s)


def test_a_stopped_process_is_ended_and_a_stopped_server_continued(tmp_path: Path) -> None:
    lines = Lines()

    async def story() -> None:
        server = replace(stand_in("redis", tmp_path / "stops"), stopped_signal=signal.SIGCONT)
        supervisor = Supervisor([stand_in("dispatch", tmp_path / "stops"), server], lines, QUICK)
        supervisor.start()
        await supervisor.wait_ready(15)
        before = supervisor.pids()
        for pid in before.values():
            os.kill(pid, signal.SIGSTOP)
        await until_async(lambda: sum("was stopped" in line for _, line in lines.heard) == 2)
        await until_async(lambda: supervisor.pid("dispatch") not in (0, before["dispatch"]))
        assert supervisor.pid("redis") == before["redis"]
        await supervisor.stop()

    run(story())


def test_a_log_that_takes_nothing_ends_neither_the_supervisor_nor_a_process(tmp_path: Path) -> None:
    for name in ("web", "worker"):
        (tmp_path / f"{name}.log").symlink_to("/dev/full")

    async def story() -> None:
        programs = [stand_in("web", tmp_path / "stops"), stand_in("worker", tmp_path / "stops")]
        supervisor = Supervisor(programs, log_output.to_files(tmp_path), QUICK)
        supervisor.start()
        await supervisor.wait_ready(15)
        first = supervisor.pid("worker")
        os.kill(first, signal.SIGKILL)
        await until_async(lambda: supervisor.pid("worker") not in (0, first) and supervisor.is_ready("worker"))
        await supervisor.stop()

    run(story())

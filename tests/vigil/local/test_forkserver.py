"""Processes of a fork server behave like any other child of the supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.standins import is_alive
from tests.waiting import until, until_async
from vigil.local.forkserver_client import ForkServer
from vigil.local.programs import Program, RestartPace
from vigil.local.supervisor import Supervisor

QUICK = RestartPace(first_backoff_s=0.01, longest_backoff_s=0.05, stop_deadline_s=2)
MODULE = """
import json, os, sys, time
if __name__ == "__main__":
    print("forked", json.dumps([sys.argv[1:], os.environ.get("COLOUR"), "json" in sys.modules, os.getcwd()]))
    if sys.argv[1] == "fail":
        raise SystemExit(3)
    if sys.argv[1] == "parent" and os.fork() == 0:
        print("child", os.getpid())
        time.sleep(600)
    open(sys.argv[2], "w").write(str(os.getpid()))
    time.sleep(600)
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment in which `python -m forked` runs the module above."""
    (tmp_path / "forked.py").write_text(MODULE)
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[3])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def forked(what: str, mark: Path, env: dict[str, str]) -> Program:
    async def is_ready() -> bool:
        return mark.exists() and mark.read_text() != ""

    argv = [sys.executable, "-m", "forked", what, str(mark)]
    return Program(f"the-{what}", argv, env, is_ready=is_ready, cwd=mark.parent, fork_server="test")


def test_a_forked_process_has_its_own_arguments_environment_and_folder(tmp_path: Path, env: dict[str, str]) -> None:
    lines: list[str] = []

    async def story() -> None:
        fork_server = ForkServer(["json"], env)
        programs = [
            forked("one", tmp_path / "one", {**env, "COLOUR": "red"}),
            forked("two", tmp_path / "two", {**env, "COLOUR": "blue"}),
        ]
        supervisor = Supervisor(programs, lambda _, line: lines.append(line), QUICK, {"test": fork_server})
        supervisor.start()
        await supervisor.wait_ready(15)
        assert supervisor.pid("the-one") == int((tmp_path / "one").read_text())
        assert Path(f"/proc/{supervisor.pid('the-one')}/comm").read_text() == "the-one\n"
        await supervisor.stop()
        fork_server.close()

    asyncio.run(story())
    assert sorted(lines) == [
        f'forked [["one", "{tmp_path}/one"], "red", true, "{tmp_path}"]',
        f'forked [["two", "{tmp_path}/two"], "blue", true, "{tmp_path}"]',
    ]


def test_a_killed_one_is_forked_again_and_what_it_left_is_ended(tmp_path: Path, env: dict[str, str]) -> None:
    lines: list[str] = []

    async def story() -> None:
        fork_server = ForkServer(["json"], env)
        program = forked("parent", tmp_path / "mark", env)
        supervisor = Supervisor([program], lambda _, line: lines.append(line), QUICK, {"test": fork_server})
        supervisor.start()
        await until_async(lambda: any(line.startswith("child") for line in lines))
        child = int(next(line for line in lines if line.startswith("child")).split()[1])
        first = supervisor.pid("the-parent")
        os.kill(first, signal.SIGKILL)
        await until_async(lambda: supervisor.pid("the-parent") not in (0, first))
        await until_async(lambda: not is_alive(child))
        await supervisor.stop()
        fork_server.close()

    asyncio.run(story())
    assert "ended (killed by SIGKILL); starting it again in 0.01 s" in lines


def test_its_exit_code_is_known(tmp_path: Path, env: dict[str, str]) -> None:
    lines: list[str] = []

    async def story() -> None:
        fork_server = ForkServer(["json"], env)
        program = forked("fail", tmp_path / "mark", env)
        supervisor = Supervisor([program], lambda _, line: lines.append(line), QUICK, {"test": fork_server})
        supervisor.start()
        await until_async(lambda: supervisor.starts("the-fail") > 1)
        await supervisor.stop()
        fork_server.close()

    asyncio.run(story())
    assert "ended (exit 3); starting it again in 0.01 s" in lines


@pytest.mark.parametrize("modules", [["no_such_module"], ["json"]])
def test_without_its_fork_server_a_program_starts_by_itself(
    tmp_path: Path, env: dict[str, str], modules: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    async def story() -> None:
        fork_server = ForkServer(modules, env)
        if modules == ["json"]:
            fork_server.close()
        supervisor = Supervisor([forked("one", tmp_path / "mark", env)], lambda *_: None, QUICK, {"test": fork_server})
        supervisor.start()
        await supervisor.wait_ready(15)
        await supervisor.stop()
        fork_server.close()

    asyncio.run(story())


def test_nothing_forked_outlives_a_killed_supervisor(tmp_path: Path, env: dict[str, str]) -> None:
    code = f"""
import asyncio, os, pathlib, sys
from vigil.local.forkserver_client import ForkServer
from vigil.local.programs import Program
from vigil.local.supervisor import Supervisor
async def main():
    marks = [pathlib.Path({str(tmp_path)!r}) / name for name in ("a", "b")]
    async def ready():
        return all(mark.exists() for mark in marks)
    env = dict(os.environ)
    programs = [
        Program(
            mark.name, [sys.executable, "-m", "forked", "plain", str(mark)], env, is_ready=ready, fork_server="test"
        )
        for mark in marks
    ]
    supervisor = Supervisor(programs, lambda *_: None, fork_servers={{"test": ForkServer(["json"], env)}})
    supervisor.start()
    await supervisor.wait_ready(15)
    print("pids", *supervisor.pids().values(), flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()[1:]]
        assert len(pids) == 2
        assert all(map(is_alive, pids))
        parent.kill()
    until(lambda: not any(map(is_alive, pids)))

"""Supervisor: starts programs in order, restarts what ends, stops them in order, leaves no orphan."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any

from vigil.local.errors import CannotStart
from vigil.local.forkserver_client import ForkServer
from vigil.local.process import Process
from vigil.local.programs import Journal, Program, RestartPace, how_it_ended
from vigil.local.supervision.kept import KeptProgram
from vigil.local.supervision.stopped import LOOK_EVERY_S, StoppedProcesses, stopped_below

_READY_POLL_S = 0.05
_FUTILE_STARTS = 3
_LAST_WORDS_S = 2
_BROKEN = 70


class Supervisor:
    """Runs programs until told to stop. Use it on the main thread: Linux ties children to the thread that made them."""

    def __init__(
        self,
        programs: Sequence[Program],
        journal: Journal,
        pace: RestartPace | None = None,
        fork_servers: Mapping[str, ForkServer] | None = None,
    ) -> None:
        self._kept = {program.name: KeptProgram(program) for program in programs}
        self._journal = journal
        self._pace = pace or RestartPace()
        self._fork_servers = fork_servers or {}
        self._stopping = False
        self._failed: asyncio.Future[str] | None = None
        self._watch: asyncio.Task[None] | None = None
        unknown = {name for program in programs for name in program.after} - set(self._kept)
        if unknown:
            raise ValueError(f"programs wait for unknown ones: {', '.join(sorted(unknown))}")

    def start(self) -> None:
        """Begin; readiness is awaited with `wait_ready`."""
        self._failed = asyncio.get_running_loop().create_future()
        for kept in self._kept.values():
            kept.task = asyncio.create_task(self._keep(kept), name=f"keep {kept.program.name}")
            kept.task.add_done_callback(_end_if_broken)
        self._watch = asyncio.create_task(self._watch_stopped(), name="watch stopped processes")
        self._watch.add_done_callback(_end_if_broken)

    async def wait_ready(self, deadline_s: float) -> None:
        """Wait until every program is ready; raises CannotStart that names the first that cannot be."""
        assert self._failed is not None, "start first"

        async def all_ready() -> None:
            for kept in self._kept.values():
                await kept.ready.wait()

        everyone = asyncio.create_task(all_ready())
        try:
            waited: set[asyncio.Future[Any]] = {everyone, self._failed}
            done, _ = await asyncio.wait(waited, timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            everyone.cancel()
        if self._failed in done:
            raise CannotStart(self._failed.result())
        if not done:
            late = ", ".join(name for name, kept in self._kept.items() if not kept.ready.is_set())
            raise CannotStart(f"not ready after {deadline_s:g} s: {late}")

    async def stop(self) -> None:
        """Stop everything: a program once all that depend on it are gone, each within the deadline."""
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
        gone = {name: asyncio.Event() for name in self._kept}

        async def stop_one(kept: KeptProgram) -> None:
            for other in self._kept.values():
                if kept.program.name in other.program.after:
                    await gone[other.program.name].wait()
            await self._end(kept)
            gone[kept.program.name].set()

        await asyncio.gather(*(stop_one(kept) for kept in self._kept.values()))

    def hurry(self) -> None:
        """Cut a stop short: end everything now, in a way that loses nothing that was committed."""
        self._stopping = True
        for kept in self._kept.values():
            kept.signal(kept.program.hurry_signal)

    def pid(self, name: str) -> int:
        """The process id of a program now; 0 while it has none."""
        kept = self._kept[name]
        return kept.process.pid if kept.process is not None and kept.is_alive else 0

    def pids(self) -> dict[str, int]:
        """The process ids of all programs that have a process now."""
        return {name: self.pid(name) for name in self._kept if self.pid(name)}

    def is_ready(self, name: str) -> bool:
        """Whether a program's present process has been found ready."""
        return self._kept[name].ready.is_set()

    def starts(self, name: str) -> int:
        """How often a program has been started."""
        return self._kept[name].starts

    def output(self, name: str) -> str:
        """What a `once` program wrote to standard output."""
        process = self._kept[name].process
        return process.output.decode(errors="replace") if process is not None else ""

    async def _keep(self, kept: KeptProgram) -> None:
        program = kept.program
        for name in program.after:
            await self._kept[name].ready.wait()
        while not self._stopping:
            started = time.monotonic()
            code = await self._run(kept)
            if program.once and code == 0:
                kept.ready.set()
            elif program.once:
                self._fail(f"{program.name} failed: {kept.last_words or how_it_ended(code)}")
            if program.once or self._stopping:
                return
            lived_s = time.monotonic() - started
            kept.ends_in_a_row = 1 if lived_s > self._pace.healthy_after_s else kept.ends_in_a_row + 1
            wait_s = self._pace.backoff_s(kept.ends_in_a_row)
            self._report_end(kept, how_it_ended(code), wait_s)
            await asyncio.sleep(wait_s)

    async def _run(self, kept: KeptProgram) -> int:
        """One run of a program, from start to end; 127 when it cannot be started at all."""

        def on_line(line: str) -> None:
            if line:
                kept.note(line)
                if not (kept.program.unsaid and kept.program.unsaid.search(line)):
                    self._journal(kept.program.name, line)

        kept.begin_run()
        try:
            kept.process = await Process.start(kept.program, on_line, self._fork_servers.get(kept.program.fork_server))
        except OSError as error:
            kept.note(f"cannot be started: {error}")
            return 127
        watch = asyncio.create_task(self._watch_readiness(kept))
        watch.add_done_callback(_end_if_broken)
        try:
            return await kept.process.finish()
        finally:
            watch.cancel()
            kept.ready.clear()

    async def _watch_readiness(self, kept: KeptProgram) -> None:
        if kept.program.once:
            return
        while not await _is_ready(kept.program):
            await asyncio.sleep(_READY_POLL_S)
        kept.ready.set()
        kept.ever_ready = True

    async def _watch_stopped(self) -> None:
        """End or continue what has been stopped for some seconds: it holds leases and locks that others want."""
        stopped = StoppedProcesses()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            found = self._stopped()
            for pid in stopped.overdue(time.monotonic(), found):
                name, number = found[pid]
                self._journal(name, f"process {pid} was stopped: sent it {number.name}")
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)

    def _stopped(self) -> dict[int, tuple[str, signal.Signals]]:
        """The processes that are stopped now: what each is called, and what it is to be sent."""
        found = {
            pid: (kept.program.name, kept.program.stopped_signal)
            for name, kept in self._kept.items()
            for pid in stopped_below(self.pid(name))
        }
        servers = [pid for server in self._fork_servers.values() for pid in stopped_below(server.pid)]
        return dict.fromkeys(servers, ("fork server", signal.SIGCONT)) | found

    def _report_end(self, kept: KeptProgram, how: str, wait_s: float) -> None:
        name, now = kept.program.name, time.monotonic()
        self._journal(name, f"ended ({how}); starting it again in {wait_s:g} s")
        if not kept.ever_ready and kept.starts >= _FUTILE_STARTS:
            self._fail(f"{name} does not start: {kept.last_words or how}")
        kept.recent_ends.append(now)
        recent = sum(now - end < self._pace.alarm_window_s for end in kept.recent_ends)
        if recent >= self._pace.alarm_ends:
            words = kept.last_words or "none"
            self._journal(
                name, f"*** {name} keeps ending: {recent} times in {self._pace.alarm_window_s:g} s; last words: {words}"
            )

    def _fail(self, problem: str) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_result(problem)

    async def _end(self, kept: KeptProgram) -> None:
        if kept.process is not None and kept.is_alive:
            # The last one for what takes no other, such as a server that hangs on its disk.
            for number in (kept.program.stop_signal, kept.program.hurry_signal, signal.SIGKILL):
                kept.signal(number)
                # One that was stopped takes no signal before it is continued.
                kept.signal(signal.SIGCONT)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(kept.process.ended(), self._pace.stop_deadline_s)
                    break
                self._journal(kept.program.name, f"did not stop in {self._pace.stop_deadline_s:g} s")
            if kept.task is not None:
                await asyncio.wait({kept.task}, timeout=_LAST_WORDS_S)
        if kept.task is not None:
            kept.task.cancel()


async def _is_ready(program: Program) -> bool:
    """Whether a program says so; a machine without a thread or a descriptor left to ask it has to wait."""
    try:
        return await program.is_ready()
    except (OSError, RuntimeError):
        return False


def _end_if_broken(task: asyncio.Task[None]) -> None:
    """A task of ours that breaks is our own mistake: end at once rather than leave a process unwatched."""
    if not task.cancelled() and task.exception() is not None:
        raise SystemExit(_BROKEN) from task.exception()

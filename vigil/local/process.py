"""One run of a program: the process, its output lines, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Self

from vigil.local.children import popen_options
from vigil.local.forkserver_client import ForkedProcess, ForkFailed, ForkServer
from vigil.local.programs import Program

LINE_LIMIT = 16_384
_OUTPUT_LIMIT = 65_536
_POLL_S = 0.1
_LAST_WORDS_S = 1


class Process:
    """A started process, from `start`.

    Not asyncio's own: that one does not notice an end while a grandchild holds the pipe open.
    """

    def __init__(
        self, child: ForkedProcess | subprocess.Popen[bytes], pipes: list[int], on_line: Callable[[str], None]
    ) -> None:
        self._child = child
        self._pipes = pipes
        self._on_line = on_line
        #: What a `once` program wrote to standard output, its first 64 KiB.
        self.output = bytearray()

    @classmethod
    async def start(
        cls, program: Program, on_line: Callable[[str], None], fork_server: ForkServer | None = None
    ) -> Self:
        """Start a program, from its fork server if there is one; raises OSError when it cannot be started."""
        pipes = [os.pipe() for _ in range(2 if program.once else 1)]
        ours, theirs = [pipe[0] for pipe in pipes], [pipe[1] for pipe in pipes]
        try:
            child = await _forked(program, theirs, fork_server) or subprocess.Popen(
                program.argv,
                env=dict(program.env),
                cwd=program.cwd,
                stdout=theirs[0],
                stderr=theirs[-1],
                **popen_options(program.death_signal, program.account),
            )
        except BaseException:
            for descriptor in ours:
                os.close(descriptor)
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return cls(child, ours, on_line)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_alive(self) -> bool:
        return self._child.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process is gone."""
        self._child.send_signal(number)

    async def finish(self) -> int:
        """Pass on what it writes until it ends; then end what it left in its session, and return its exit code."""
        readers = [asyncio.create_task(self._read(number)) for number in range(len(self._pipes))]
        try:
            code = await self.ended()
            # Nothing but its own children can be in its session.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            await asyncio.wait(readers, timeout=_LAST_WORDS_S)
            self._reap_group()
        finally:
            for reader in readers:
                reader.cancel()
        return code

    async def ended(self) -> int:
        """Wait for the end; returns the exit code."""
        # Without a descriptor left, it is asked again and again.
        with contextlib.suppress(OSError):
            await self._notice_end()
        while (code := self._child.poll()) is None:
            await asyncio.sleep(_POLL_S)
        return code

    async def _notice_end(self) -> None:
        """Wait until the kernel says that it has ended, where it does."""
        if hasattr(os, "pidfd_open") and self.is_alive:
            descriptor = os.pidfd_open(self.pid)
            loop, gone = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(descriptor, gone.set)
            try:
                await gone.wait()
            finally:
                loop.remove_reader(descriptor)
                os.close(descriptor)

    def _reap_group(self) -> None:
        """Grandchildren of a supervisor with a fork server become its own, and want to be waited for."""
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-self.pid, os.WNOHANG)[0]:
                pass

    async def _read(self, number: int) -> None:
        stream = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(stream)
        pipe = os.fdopen(self._pipes[number], "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        try:
            if len(self._pipes) > 1 and number == 0:
                await self._keep_output(stream)
            else:
                await self._pass_on_lines(stream)
        finally:
            transport.close()

    async def _keep_output(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(LINE_LIMIT):
            self.output += chunk[: max(0, _OUTPUT_LIMIT - len(self.output))]

    async def _pass_on_lines(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(LINE_LIMIT):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LINE_LIMIT:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._on_line(line.decode(errors="replace").rstrip())
        if rest:
            self._on_line(rest.decode(errors="replace").rstrip())


async def _forked(program: Program, outputs: list[int], fork_server: ForkServer | None) -> ForkedProcess | None:
    """The program's process from the fork server; None where it must be started the ordinary way."""
    if fork_server is None or program.argv[1:2] != ["-m"]:
        return None
    try:
        return await fork_server.fork(program.name, program.argv[2:], program.env, str(program.cwd or ""), outputs)
    except ForkFailed:
        return None

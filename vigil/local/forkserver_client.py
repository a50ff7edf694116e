"""The client of a fork server: asks for a process and gets one that can be waited for like a child."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence

from vigil.local.children import popen_options
from vigil.local.forkserver import ForkRequest

_PR_SET_CHILD_SUBREAPER = 36
_FORK_TIMEOUT_S = 30


class ForkFailed(Exception):
    """The fork server did not fork; start the program by itself instead."""


class ForkedProcess:
    """A process that a fork server forked: what is used of Popen, for a child that we did not fork ourselves."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                # Another waiter has taken its exit status: it is gone, and the status is lost.
                self._code = 255
            else:
                self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkServer:
    """Forks Python programs that have `modules` imported already. Start it on the main thread."""

    def __init__(self, modules: Sequence[str], env: Mapping[str, str]) -> None:
        # Without this, a process whose parent ends would become the child of init.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        self._turn = asyncio.Lock()
        with theirs:
            command = [sys.executable, "-m", "vigil.local.forkserver", str(theirs.fileno()), str(os.getpid()), *modules]
            options = popen_options(signal.SIGKILL)
            self._process = subprocess.Popen(command, env=dict(env), pass_fds=[theirs.fileno()], **options)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def fork(
        self, name: str, argv: Sequence[str], env: Mapping[str, str], cwd: str, outputs: list[int]
    ) -> ForkedProcess:
        """A new process that runs the module `argv[0]`, with `outputs` as its standard output and error.

        Raises ForkFailed when the fork server is gone or says nothing for 30 s.
        """
        request = ForkRequest(name=name, argv=list(argv), env=dict(env), cwd=cwd, death_signal=int(signal.SIGKILL))
        loop = asyncio.get_running_loop()
        async with self._turn:
            try:
                socket.send_fds(self._channel, [json.dumps(request).encode()], outputs)
                async with asyncio.timeout(_FORK_TIMEOUT_S):
                    pid = await loop.sock_recv(self._channel, 32)
            except (OSError, TimeoutError) as error:
                self.close()
                raise ForkFailed(str(error) or type(error).__name__) from error
            except asyncio.CancelledError:
                # The next request would take the unread answer for its own.
                self.close()
                raise
        if not pid:
            self.close()
            raise ForkFailed("the fork server ended")
        return ForkedProcess(int(pid))

    def close(self) -> None:
        """End the fork server; what it forked lives on."""
        self._channel.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

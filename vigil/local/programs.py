"""Declaration of a supervised program, and the supervisor's timeouts for it."""

from __future__ import annotations

import re
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vigil.local.children import Account

Journal = Callable[[str, str], None]
"""Takes the name of a program and one line that it wrote, or that the supervisor says of it."""


async def always_ready() -> bool:
    return True


@dataclass(frozen=True)
class Program:
    """A process to keep: started once all of `after` are ready, stopped once all that name it in `after` are gone.

    A `once` program is a step: ready when it has ended with 0, never restarted; its standard output is kept apart.
    `death_signal` is what the kernel sends it should the supervisor die.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)
    after: tuple[str, ...] = ()
    is_ready: Callable[[], Awaitable[bool]] = always_ready
    once: bool = False
    account: Account | None = None
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    hurry_signal: signal.Signals = signal.SIGKILL
    #: What it gets after it, or a process below it, was stopped (SIGSTOP) for some seconds.
    stopped_signal: signal.Signals = signal.SIGKILL
    #: Lines that mean nothing on one machine, and would hide those that do.
    unsaid: re.Pattern[str] | None = None
    #: The fork server it comes from, where there is one of this name.
    fork_server: str = ""


@dataclass(frozen=True)
class RestartPace:
    """How the supervisor waits, in seconds, and after how many ends in `alarm_window_s` it raises its voice."""

    first_backoff_s: float = 0.2
    longest_backoff_s: float = 10.0
    #: A process that was killed after so long is started again at once: a page may wait for it.
    healthy_after_s: float = 2.0
    stop_deadline_s: float = 8.0
    alarm_ends: int = 5
    alarm_window_s: float = 60.0

    def backoff_s(self, ends: int) -> float:
        """The wait before the start that follows `ends` ends in a row."""
        return min(self.first_backoff_s * 2.0 ** min(max(0, ends - 1), 64), self.longest_backoff_s)


def how_it_ended(code: int) -> str:
    """An exit code of Popen in words."""
    if code >= 0:
        return f"exit {code}"
    names = {number.value: number.name for number in signal.Signals}
    return f"killed by {names.get(-code, f'signal {-code}')}"


def metrics_targets(declared: Sequence[Program], web_port: int) -> dict[str, str]:
    """Where each process serves its metrics, as host and port."""
    found = {
        program.name: f"127.0.0.1:{program.env['VIGIL_HEALTH_PORT']}"
        for program in declared
        if program.env.get("VIGIL_HEALTH_PORT")
    }
    return found | {"web": f"127.0.0.1:{web_port}"}

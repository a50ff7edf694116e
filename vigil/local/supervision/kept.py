"""A program that the supervisor keeps: its present process, and how it has fared."""

from __future__ import annotations

import asyncio
import signal
from collections import deque

from vigil.local.process import Process
from vigil.local.programs import Program
from vigil.local.supervision.last_words import LINES_KEPT, telling


class KeptProgram:
    """One program, its present process, and how it has fared."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: Process | None = None
        self.task: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        self.ever_ready = False
        self.starts = 0
        self.ends_in_a_row = 0
        self.recent_ends: deque[float] = deque(maxlen=64)
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)

    @property
    def last_words(self) -> str:
        """The line of its present run that says most about why it ends; empty when it said nothing."""
        return telling(self._lines)

    def begin_run(self) -> None:
        self.starts += 1
        self._lines.clear()

    def note(self, line: str) -> None:
        self._lines.append(line)

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.is_alive

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.signal(number)

"""Watchdog of a process: a thread that ends it when a loop of it stands still, and tells its supervisor while not."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from types import FrameType

import structlog

from probes.process.health import MAIN, Health
from probes.process.watch import alive_file, notify
from probes.process.watch.standstill import LoopKind, LoopLook, Standstill, StandstillLimits, Stillness, judge

log = structlog.get_logger(__name__)

INTERVAL_S = 2.0
#: Exit status of a process that stands still; a supervisor starts another.
STOOD_STILL = 70
#: The name of an event loop among the loops of a process; `tick` turns it.
EVENT_LOOP = "event loop"
TICK_S = 1.0
#: Modules in which a thread waits for a server, always with a deadline.
_SERVER_CALLS = ("psycopg", "psycopg_c", "redis")
_FRAMES = 12

ONE_LOOP: Mapping[str, LoopKind] = {MAIN: LoopKind.THREAD}
ON_EVENT_LOOP: Mapping[str, LoopKind] = {EVENT_LOOP: LoopKind.THREAD, MAIN: LoopKind.TASK}


class Watchdog(threading.Thread):
    """Looks at the `loops` of a process every few seconds. `start` it first thing: it allows for a slow start."""

    def __init__(
        self, health: Health, loops: Mapping[str, LoopKind] = ONE_LOOP, limits: StandstillLimits | None = None
    ) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._health = health
        self._loops = loops
        self._limits = limits or StandstillLimits()
        self._interval_s = min(INTERVAL_S, self._limits.stand_s / 4)
        self._stillness = {loop: Stillness() for loop in loops}
        self._told_ready = False
        self._stopping = threading.Event()

    def run(self) -> None:
        looked_s = time.monotonic()
        self._mind_the_interpreter()
        while not self._stopping.wait(self._interval_s):
            self._mind_the_interpreter()
            now_s = time.monotonic()
            found = self.look(now_s - looked_s)
            looked_s = now_s
            if found:
                self._end(found)
            self._tell()
        signal.setitimer(signal.ITIMER_PROF, 0)

    def stop(self) -> None:
        """LoopLook no more: the loops are about to end."""
        self._stopping.set()

    def look(self, since_last_look_s: float) -> str:
        """The first loop that stands still, and how; empty while all turn."""
        for loop, kind in self._loops.items():
            turn = self._health.turn_of(loop)
            frame = sys._current_frames().get(turn.thread)
            cpu_s = _cpu_s(turn.thread) if frame is not None else 0.0
            still_s, cpu_s = self._stillness[loop].look(turn.number, cpu_s, since_last_look_s, self._interval_s)
            found = judge(LoopLook(kind, still_s, cpu_s, _waits_for_server(frame), self._health.is_ready), self._limits)
            if found is not Standstill.NONE:
                return f"{loop} {found.value}"
        return ""

    def _mind_the_interpreter(self) -> None:
        """Have the kernel end the process should C code never let go of the interpreter, not even for this thread."""
        with contextlib.suppress(ValueError, OSError):
            signal.setitimer(signal.ITIMER_PROF, self._limits.spin_cpu_s * self._limits.at_start + self._interval_s)

    def _tell(self) -> None:
        if self._health.is_ready and not self._told_ready:
            self._told_ready = True
            notify.notify(notify.READY)
        notify.notify(notify.TURNS)
        if self._told_ready:
            alive_file.touch()

    def _end(self, found: str) -> None:
        log.error("process.stands_still", loop=found, advice="a supervisor starts it again; its stacks follow")
        with contextlib.suppress(OSError, ValueError):
            faulthandler.dump_traceback(all_threads=True)
        os._exit(STOOD_STILL)


async def tick(health: Health) -> None:
    """Say once a second that the event loop turns, until cancelled."""
    while True:
        health.turned(EVENT_LOOP)
        await asyncio.sleep(TICK_S)


def _cpu_s(thread: int) -> float:
    """CPU time of a living thread."""
    with contextlib.suppress(OSError):
        return time.clock_gettime(time.pthread_getcpuclockid(thread))
    return 0.0


def _waits_for_server(frame: FrameType | None) -> bool:
    for _ in range(_FRAMES):
        if frame is None:
            return False
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in _SERVER_CALLS:
            return True
        frame = frame.f_back
    return False

"""Discrete-event engine: a virtual clock, and processes that can be killed, paused and restarted."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

#: A moment in 2027; worlds start on a whole day.
EPOCH_MS = 1_800_057_600_000

Do = Callable[..., Any]


class SimEngine:
    """Events in order of time (ms, fractions allowed); `now` jumps from one to the next."""

    def __init__(self, start_ms: float = EPOCH_MS) -> None:
        self.now: float = start_ms
        self._events: list[tuple[float, int, SimProcess | None, int, Do, tuple[Any, ...]]] = []
        self._count = 0

    @property
    def now_ms(self) -> int:
        return int(self.now)

    def at(self, when: float, do: Do, *args: Any, of: SimProcess | None = None) -> None:
        """Schedule an event, not before now; one `of` a process only if it still lives then."""
        self._count += 1
        now = self.now
        boot = 0 if of is None else of.boot
        heappush(self._events, (when if when > now else now, self._count, of, boot, do, args))

    def run(self, until: float) -> None:
        """Run all events before `until`."""
        events = self._events
        while events and events[0][0] < until:
            self.now, _, process, boot, do, args = heappop(events)
            if process is None:
                do(*args)
            elif boot == process.boot:
                if process.paused:
                    process.hold(do, args)
                else:
                    do(*args)
        self.now = until


class SimProcess:
    """A process: a killed one loses its memory; a paused one (SIGSTOP) acts late and in order."""

    def __init__(self, engine: SimEngine, name: str) -> None:
        self.engine = engine
        self.name = name
        self.alive = True
        self.paused = False
        self.boot = 0
        self._held: list[tuple[Do, tuple[Any, ...]]] = []

    def later(self, delay_ms: float, do: Do, *args: Any) -> None:
        """Do something after a delay, if this process lives now and still lives then."""
        if self.alive:
            engine = self.engine
            engine.at(engine.now + delay_ms, do, *args, of=self)

    def kill(self) -> None:
        """Kill: memory and work in progress are lost."""
        self.alive = False
        self.paused = False
        self.boot += 1
        self._held.clear()

    def start(self) -> None:
        """Restart after `kill`, with empty memory."""
        if not self.alive:
            self.alive = True
            self.begin()

    def begin(self) -> None:
        """First action; each kind of process defines it."""

    def pause(self) -> None:
        self.paused = self.alive

    def resume(self) -> None:
        """Resume with all that came meanwhile."""
        if self.paused:
            self.paused = False
            held, self._held = self._held, []
            for do, args in held:
                do(*args)

    def hold(self, do: Do, args: tuple[Any, ...]) -> None:
        """Hold due events until the resume."""
        self._held.append((do, args))

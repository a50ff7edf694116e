"""Slot scheduler of a quiet world: runs only checks that matter, and counts the others.

A check matters if it may see a failure, if its monitor is not plainly up or has an open round, or while a failing
region is judged. Other checks have no effect on the real fold; a test compares both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from consensus.verdicts import Round, Verdict
from probes import keys
from vigil.incidents.core.lifecycle import belief
from vigil.simulation.processes.broker import StreamEntry
from vigil.simulation.processes.database import Database
from vigil.simulation.processes.dispatcher import SimDispatcher
from vigil.simulation.processes.surroundings import SimContext
from vigil.simulation.worlds.world import Path

#: A check is sent this long before its slot.
LEAD_MS = 100
#: A verdict is committed and published within this time.
SETTLED_MS = 3_000


class ScheduledSlots:
    """Runs the eventful slots of every path, and every slot of a watched monitor."""

    def __init__(self, around: SimContext, database: Database, dispatcher: SimDispatcher) -> None:
        self._engine = around.engine
        self._world = around.world
        self._database = database
        self._dispatcher = dispatcher
        self._eventful: dict[tuple[int, int], frozenset[int]] = {}
        self._until: dict[int, float] = {}
        self._followed: set[tuple[int, int]] = set()
        #: Until when a failing streak of each monitor may be judged.
        self._passed: dict[int, float] = {}
        around.broker.follow(keys.ROUNDS, self)
        around.broker.follow(keys.VERDICTS, self)
        self._broker = around.broker
        around.broker.on_quarantines.append(self._watch_all)
        for number, paths in enumerate(around.world.paths):
            for path in paths:
                self._plan(path)
            self._watch(number, self._engine.now + 3 * around.world.scenario.interval_ms)

    def later(self, delay_ms: float, do: Callable[..., Any], *args: Any) -> None:
        self._engine.at(self._engine.now + delay_ms, do, *args)

    def receive(self, entry: StreamEntry) -> None:
        """A round was opened: the monitor's checks matter until its verdict is published."""
        message: Round | Verdict = entry.payload
        number = self._world.number(message.monitor)
        if isinstance(message, Round):
            self._watch(number, message.looks_ms[-1] + message.look_length_ms)
        else:
            self._until[number] = max(self._passed.get(number, 0.0), self._engine.now + SETTLED_MS)

    def _plan(self, path: Path) -> None:
        slots = self._world.eventful_slots(path)
        self._eventful[path.monitor, path.region] = frozenset(slots)
        for at_ms in slots:
            if at_ms in self._world.span:
                self._engine.at(at_ms - LEAD_MS, self._eventful_slot, path, at_ms)

    def _eventful_slot(self, path: Path, at_ms: int) -> None:
        """Run it and the monitor's other slots until the region passes: streaks judge regions."""
        scenario = self._world.scenario
        self._passed[path.monitor] = at_ms + scenario.interval_ms + scenario.timeout_ms
        self._watch(path.monitor, self._passed[path.monitor])
        self._send(path, at_ms)

    def _watch_all(self) -> None:
        """While a region is quarantined its reports are judged."""
        for number in range(len(self._world.monitors)):
            self._watch(number, self._engine.now)

    def _watch(self, number: int, until: float) -> None:
        """Run every slot of a monitor until then, or later if requested before."""
        self._until[number] = max(until + SETTLED_MS, self._until.get(number, 0.0))
        interval_ms = self._world.scenario.interval_ms
        for path in self._world.paths[number]:
            if (number, path.region) in self._followed:
                continue
            self._followed.add((number, path.region))
            first = max(self._engine.now_ms + LEAD_MS, self._world.span.start)
            first += (path.phase_ms - first) % interval_ms
            self._engine.at(first - LEAD_MS, self._slot, path, first)

    def _slot(self, path: Path, at_ms: int) -> None:
        """Run a slot of a watched monitor, unless run anyway, and schedule the next."""
        number = path.monitor
        if self._broker.quarantines:
            self._until[number] = max(self._until[number], self._engine.now + 1)
        over = self._engine.now > self._until[number]
        if over and belief(self._database.states[self._world.monitors[number]]) is None:
            self._followed.discard((number, path.region))
            return
        if at_ms not in self._eventful[number, path.region]:
            self._send(path, at_ms)
        following = at_ms + self._world.scenario.interval_ms
        if following in self._world.span:
            self._engine.at(following - LEAD_MS, self._slot, path, following)

    def _send(self, path: Path, at_ms: int) -> None:
        name = self._world.monitors[path.monitor]
        region = self._world.scenario.regions[path.region][0]
        self._dispatcher.send_scheduled(self._dispatcher.plan(name), region, at_ms)

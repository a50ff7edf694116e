"""Fault injection: processes crash or pause, Redis loses data, links break, clocks step."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from probes import keys
from vigil.simulation.processes.database import Database
from vigil.simulation.processes.dispatcher import SimDispatcher
from vigil.simulation.processes.engine import SimProcess
from vigil.simulation.processes.region import SimRegion
from vigil.simulation.processes.surroundings import SimContext
from vigil.simulation.worlds.draws import stream
from vigil.simulation.worlds.isolation import Fault, disturbances

_FAULTS = 40

Do = Callable[[], None]


LASTS_MS = {
    Fault.KILL: (500, 20_000),
    Fault.PAUSE: (1_000, 40_000),
    Fault.REDIS_DIES: (500, 15_000),
    Fault.REDIS_FORGETS: (0, 1),
    Fault.REDIS_TRIMS: (0, 1),
    Fault.POSTGRES_DIES: (1_000, 20_000),
    Fault.CUT: (5_000, 120_000),
    Fault.CLOCK_STEPS: (20_000, 120_000),
    Fault.REGION_DIES: (1_000, 60_000),
    Fault.DISPATCH_DIES: (5_000, 120_000),
}
STEPS_MS = (-3_600_000, -30_000, -6_000, -1_000, 1_000, 6_000, 30_000, 3_600_000)


@dataclass(slots=True)
class Nemesis:
    """Injects and heals faults, one after another, and records their times."""

    around: SimContext
    database: Database
    processes: Sequence[SimProcess]
    regions: Sequence[SimRegion]
    _going_on: Counter[tuple[Fault, str]] = field(default_factory=Counter)

    def plan(self) -> None:
        """Draw all faults of the world's span."""
        world = self.around.world
        for isolation in disturbances(world.scenario, world.seed, world.span):
            region = self.regions[isolation.region]
            self._do(isolation.from_ms, isolation.to_ms, isolation.fault, *self._of(isolation.fault, region))
        every_ms = world.scenario.fault_every_ms
        if not every_ms:
            return
        source = stream(world.seed, _FAULTS)
        at = world.span.start + source.expovariate(1 / every_ms)
        while at < world.span.stop:
            fault = source.choice(list(Fault))
            lasts = source.uniform(*LASTS_MS[fault])
            self._do(at, at + lasts, fault, *self._what(fault, source))
            at += source.expovariate(1 / every_ms)

    def _do(self, at: float, to: float, fault: Fault, begin: Do, end: Do, victim: str) -> None:
        if fault is Fault.CLOCK_STEPS:
            self.around.engine.at(at, begin)
            self.around.engine.at(to, end)
        else:
            self.around.engine.at(at, self._begin, (fault, victim), begin)
            self.around.engine.at(to, self._end, (fault, victim), end)
        self.around.history.disturbed.append((at, to, f"{fault} {victim}".strip()))

    def _begin(self, what: tuple[Fault, str], begin: Do) -> None:
        self._going_on[what] += 1
        begin()

    def _end(self, what: tuple[Fault, str], end: Do) -> None:
        """Heal a fault, unless it was injected again meanwhile."""
        self._going_on[what] -= 1
        if not self._going_on[what]:
            end()

    def _what(self, fault: Fault, source: random.Random) -> tuple[Do, Do, str]:
        process = source.choice(self.processes)
        region = source.choice(self.regions)
        step_ms = source.choice(STEPS_MS)
        match fault:
            case Fault.KILL:
                return process.kill, process.start, process.name
            case Fault.PAUSE:
                paused = source.choice([process, region])
                return paused.pause, paused.resume, paused.name
            case Fault.CLOCK_STEPS:
                return _clock(region, step_ms), _clock(region, -step_ms), region.name
            case _:
                return self._of(fault, region)

    def _of(self, fault: Fault, region: SimRegion) -> tuple[Do, Do, str]:
        """Actions of faults that only need a region."""
        match fault:
            case Fault.REDIS_DIES:
                return self.around.broker.crash, self._redis_returns, ""
            case Fault.REDIS_FORGETS:
                return self._redis_forgets, _nothing, ""
            case Fault.REDIS_TRIMS:
                return self._redis_trims, _nothing, ""
            case Fault.POSTGRES_DIES:
                return self._postgres(False), self._postgres(True), ""
            case Fault.CUT:
                return _cut(region, True), _cut(region, False), region.name
            case Fault.REGION_DIES:
                return region.kill, region.start, region.name
            case Fault.DISPATCH_DIES:
                return self._dispatchers(SimProcess.kill), self._dispatchers(SimProcess.start), ""
            case _:
                raise ValueError(fault)

    def _redis_forgets(self) -> None:
        if self.around.broker.up:
            self.around.broker.flush()
            for region in self.regions:
                region.lose_queue()

    def _redis_trims(self) -> None:
        if self.around.broker.up:
            for region in self.regions:
                self.around.broker.trim(keys.results(region.name))

    def _dispatchers(self, do: Callable[[SimProcess], None]) -> Do:
        def change() -> None:
            for process in self.processes:
                if isinstance(process, SimDispatcher):
                    do(process)

        return change

    def _redis_returns(self) -> None:
        self.around.broker.restart()
        for region in self.regions:
            region.reconnect()

    def _postgres(self, up: bool) -> Do:
        def change() -> None:
            self.database.up = up

        return change


def _nothing() -> None:
    """A fault without duration."""


def _cut(region: SimRegion, cut: bool) -> Do:
    def change() -> None:
        region.publisher.cut = cut
        region.reconnect()

    return change


def _clock(region: SimRegion, step_ms: int) -> Do:
    def change() -> None:
        region.set_clock(step_ms)

    return change

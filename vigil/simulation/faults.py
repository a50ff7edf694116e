"""What goes wrong with Vigil itself: processes die or stop, Redis forgets, links are cut, clocks step."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vigil.simulation.database import Database
from vigil.simulation.draws import stream
from vigil.simulation.engine import Process
from vigil.simulation.region import Region, Surroundings

_FAULTS = 40


class Fault(StrEnum):
    KILL = "kill"
    PAUSE = "pause"
    REDIS_DIES = "redis_dies"
    REDIS_FORGETS = "redis_forgets"
    POSTGRES_DIES = "postgres_dies"
    CUT = "cut"
    CLOCK_STEPS = "clock_steps"
    REGION_DIES = "region_dies"


#: How long each lasts at least and at most (ms).
LASTS_MS = {
    Fault.KILL: (500, 20_000),
    Fault.PAUSE: (1_000, 40_000),
    Fault.REDIS_DIES: (500, 15_000),
    Fault.REDIS_FORGETS: (0, 1),
    Fault.POSTGRES_DIES: (1_000, 20_000),
    Fault.CUT: (5_000, 120_000),
    Fault.CLOCK_STEPS: (20_000, 120_000),
    Fault.REGION_DIES: (1_000, 60_000),
}
STEPS_MS = (-3_600_000, -30_000, -6_000, -1_000, 1_000, 6_000, 30_000, 3_600_000)


@dataclass(slots=True)
class Nemesis:
    """Breaks one thing after another, and mends each; notes when."""

    around: Surroundings
    database: Database
    processes: Sequence[Process]
    regions: Sequence[Region]

    def plan(self) -> None:
        """Draw every fault of the world's span."""
        world = self.around.world
        every_ms = world.scenario.fault_every_ms
        if not every_ms:
            return
        source = stream(world.seed, _FAULTS)
        at = world.span.start + source.expovariate(1 / every_ms)
        while at < world.span.stop:
            fault = source.choice(list(Fault))
            lasts = source.uniform(*LASTS_MS[fault])
            begin, end, victim = self._what(fault, source)
            self.around.engine.at(at, begin)
            self.around.engine.at(at + lasts, end)
            self.around.history.disturbed.append((at, at + lasts, f"{fault} {victim}".strip()))
            at += source.expovariate(1 / every_ms)

    def _what(self, fault: Fault, source: random.Random) -> tuple[Callable[[], None], Callable[[], None], str]:
        process = source.choice(self.processes)
        region = source.choice(self.regions)
        step_ms = source.choice(STEPS_MS)
        match fault:
            case Fault.KILL:
                return process.kill, process.start, process.name
            case Fault.PAUSE:
                paused = source.choice([process, region])
                return paused.pause, paused.resume, paused.name
            case Fault.REDIS_DIES:
                return self.around.broker.crash, self._redis_returns, ""
            case Fault.REDIS_FORGETS:
                return self._redis_forgets, _nothing, ""
            case Fault.POSTGRES_DIES:
                return self._postgres(False), self._postgres(True), ""
            case Fault.CUT:
                return _cut(region, True), _cut(region, False), region.name
            case Fault.CLOCK_STEPS:
                return _clock(region, step_ms), _clock(region, -step_ms), region.name
            case Fault.REGION_DIES:
                return region.kill, region.start, region.name

    def _redis_forgets(self) -> None:
        if self.around.broker.up:
            self.around.broker.flush()
            for region in self.regions:
                region.lose_queue()

    def _redis_returns(self) -> None:
        self.around.broker.restart()
        for region in self.regions:
            region.reconnect()

    def _postgres(self, up: bool) -> Callable[[], None]:
        def change() -> None:
            self.database.up = up

        return change


def _nothing() -> None:
    """Over as soon as it happened."""


def _cut(region: Region, cut: bool) -> Callable[[], None]:
    def change() -> None:
        region.cut = cut
        region.reconnect()

    return change


def _clock(region: Region, step_ms: int) -> Callable[[], None]:
    def change() -> None:
        region.clock_ms += step_ms

    return change

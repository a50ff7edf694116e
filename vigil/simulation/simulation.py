"""Simulated installation in one world: builds it, runs it, returns its history."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import dataclass

from vigil.simulation.faults import Nemesis
from vigil.simulation.processes.broker import Broker
from vigil.simulation.processes.database import Database
from vigil.simulation.processes.decider import Decider
from vigil.simulation.processes.dispatcher import SimDispatcher
from vigil.simulation.processes.engine import EPOCH_MS, SimEngine
from vigil.simulation.processes.recorder import SimRecorder
from vigil.simulation.processes.region import SimRegion
from vigil.simulation.processes.surroundings import SimContext
from vigil.simulation.processes.writer import Writer
from vigil.simulation.slots import ScheduledSlots
from vigil.simulation.worlds.history import SimHistory
from vigil.simulation.worlds.scenario import Scenario
from vigil.simulation.worlds.world import World

WARM_UP_MS = 1_000


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """A world and its history."""

    world: World
    history: SimHistory
    database: Database


def simulate(scenario: Scenario, seed: int, monitors: int, span_ms: int, *, thorough: bool = False) -> SimulationResult:
    """Simulate monitors for a duration; `thorough`, or with faults, every check is run."""
    engine = SimEngine(EPOCH_MS - WARM_UP_MS)
    world = World(scenario, seed, monitors, range(EPOCH_MS, EPOCH_MS + span_ms))
    history = SimHistory(thorough=thorough or not scenario.quiet)
    around = SimContext(engine, Broker(engine), world, history)
    database = Database(engine)
    liars = lying_regions(scenario)
    regions = [SimRegion(around, index, index in liars) for index in range(len(scenario.regions))]
    names = ("1",) if scenario.quiet else ("1", "2")
    writer = Writer(around, database)
    deciders = [Decider(around, f"consensus-{name}") for name in names]
    dispatchers = [SimDispatcher(around, f"dispatch-{name}", database, regions) for name in names]
    if history.thorough:
        recorder = SimRecorder(around, database)
        Nemesis(around, database, [*deciders, *dispatchers, writer, recorder], regions).plan()
    else:
        ScheduledSlots(around, database, dispatchers[0])
        history.planned = monitors * len(regions) * (span_ms // scenario.interval_ms)
    with _collector_paused():
        engine.run(EPOCH_MS + span_ms)
    history.checks += history.planned
    return SimulationResult(world, history, database)


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Garbage collection off: millions of messages without cycles would cost a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def lying_regions(scenario: Scenario) -> frozenset[int]:
    """The lying regions: those of the largest domain, up to this number."""
    domains = [domain for _, domain in scenario.regions]
    largest = max(sorted(set(domains)), key=domains.count)
    return frozenset([index for index, domain in enumerate(domains) if domain == largest][: scenario.liars])

"""Shared context of simulated processes: clock, Redis, world, history."""

from __future__ import annotations

from dataclasses import dataclass

from vigil.simulation.processes.broker import Broker
from vigil.simulation.processes.engine import SimEngine
from vigil.simulation.worlds.history import SimHistory
from vigil.simulation.worlds.world import World


@dataclass(frozen=True, slots=True)
class SimContext:
    """Shared context of simulated processes."""

    engine: SimEngine
    broker: Broker
    world: World
    history: SimHistory

"""What all simulated processes share: the clock, Redis, the world they are in, and the history they make."""

from __future__ import annotations

from dataclasses import dataclass

from vigil.simulation.processes.broker import Broker
from vigil.simulation.processes.engine import Engine
from vigil.simulation.worlds.history import History
from vigil.simulation.worlds.world import World


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all simulated processes share."""

    engine: Engine
    broker: Broker
    world: World
    history: History

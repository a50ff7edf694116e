"""Simulated PostgreSQL: committed states and positions, and the dispatcher's lease."""

from __future__ import annotations

from dataclasses import dataclass, field

from vigil.incidents.core.model import BelievedState
from vigil.simulation.processes.engine import SimEngine

LEASE_MS = 10_000


class DatabaseAway(Exception):
    """PostgreSQL does not answer."""


@dataclass(slots=True)
class Database:
    """Committed data. Raises `DatabaseAway` while it is down."""

    engine: SimEngine
    states: dict[str, BelievedState] = field(default_factory=dict)
    position: tuple[int, int] = (0, 0)
    recorded: dict[str, tuple[int, int]] = field(default_factory=dict)
    epoch: int = 0
    up: bool = True
    _holder: str = ""
    _until: float = 0.0

    def check(self) -> None:
        if not self.up:
            raise DatabaseAway

    def renew(self, holder: str) -> bool:
        """Acquire or renew the dispatcher's lease, by the database's clock."""
        self.check()
        if self._holder != holder and self._until > self.engine.now:
            return False
        self._holder, self._until = holder, self.engine.now + LEASE_MS
        return True

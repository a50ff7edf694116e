"""Simulated recorder: reads results, commits them with positions, publishes positions."""

from __future__ import annotations

from probes import keys
from probes.reasons import Reason
from vigil.simulation.processes.broker import Away, StreamEntry
from vigil.simulation.processes.database import Database, DatabaseAway
from vigil.simulation.processes.engine import SimProcess
from vigil.simulation.processes.publisher import order_of_result
from vigil.simulation.processes.surroundings import SimContext

READ_MS = 1_000
WRITE_MS = 20_000
RETRY_MS = 500


class SimRecorder(SimProcess):
    """A crash before the commit stores nothing; it restarts from the committed positions."""

    def __init__(self, around: SimContext, database: Database) -> None:
        super().__init__(around.engine, "record")
        self._around = around
        self._database = database
        self._regions = {keys.results(slug): slug for slug, _ in around.world.scenario.regions}
        self.begin()

    def begin(self) -> None:
        """Start with an empty intake."""
        self._forget()
        self._write_at = self.engine.now + WRITE_MS
        self._turn()

    def _forget(self) -> None:
        self._read = dict(self._database.recorded)
        self._in_hand: list[StreamEntry] = []

    def _turn(self) -> None:
        try:
            for stream in self._regions:
                for entry in self._around.broker.since(stream, self._read.get(stream, (0, 0))):
                    self._in_hand.append(entry)
                    self._read[stream] = entry.id
            if self.engine.now >= self._write_at:
                self._write()
        except (Away, DatabaseAway):
            self._forget()
            self.later(RETRY_MS, self._turn)
        else:
            self.later(READ_MS, self._turn)

    def _write(self) -> None:
        """One transaction, then publish."""
        self._database.check()
        self._write_at = self.engine.now + WRITE_MS
        entries, self._in_hand = self._in_hand, []
        for entry in entries:
            if entry.payload.reason is Reason.OVERDUE:
                continue
            self._around.history.stored.add(order_of_result(self._regions[entry.stream], entry.payload))
        self._database.recorded |= self._read
        self._around.broker.check()
        self._around.broker.stored |= self._read

"""Simulated ingest process around the real life cycle."""

from __future__ import annotations

from consensus.verdicts import Belief, Verdict
from probes import keys
from vigil.incidents.core import lifecycle
from vigil.incidents.core.model import BelievedState, Effect, StepReason
from vigil.simulation.processes.broker import Away, StreamEntry
from vigil.simulation.processes.database import Database, DatabaseAway
from vigil.simulation.processes.engine import SimProcess
from vigil.simulation.processes.surroundings import SimContext
from vigil.simulation.worlds.history import Application

COMMIT_MS = 8.0
PUBLISH_MS = 2.0
COMPLETE_MS = 1_000
SETTLE_MS = 30_000
RETRY_MS = 500


class Writer(SimProcess):
    """Single writer. A crash before the commit does nothing; after it, `believed` is rebuilt."""

    def __init__(self, around: SimContext, database: Database) -> None:
        super().__init__(around.engine, "ingest")
        self._around = around
        self._database = database
        for monitor in around.world.monitors:
            database.states.setdefault(monitor, BelievedState())
        around.broker.follow(keys.VERDICTS, self)
        self.begin()

    def begin(self) -> None:
        """Start from the committed position."""
        self._waiting: list[StreamEntry] = []
        self._read_again()
        self._keep_complete()
        self._settle()

    def receive(self, entry: StreamEntry) -> None:
        if not entry.lost:
            self._waiting.append(entry)
            self.later(COMMIT_MS, self._commit)

    def _read_again(self) -> None:
        try:
            self._rebuild()
            self._waiting = self._around.broker.since(keys.VERDICTS, self._database.position)
            self._commit()
        except (Away, DatabaseAway):
            self.later(RETRY_MS, self._read_again)

    def _commit(self) -> None:
        """One transaction: skip applied entries, refuse older epochs, step the life cycle, advance the position."""
        if not self._waiting:
            return
        database = self._database
        try:
            database.check()
        except DatabaseAway:
            self.later(RETRY_MS, self._commit)
            return
        entries, self._waiting = sorted(self._waiting, key=lambda entry: entry.id), []
        changed: list[str] = []
        for entry in entries:
            verdict: Verdict = entry.payload
            if entry.id <= database.position:
                continue
            database.position = entry.id
            if verdict.epoch < database.epoch:
                self._around.history.refused[StepReason.OLD_EPOCH] += 1
                continue
            database.epoch = verdict.epoch
            effect = lifecycle.apply(database.states[verdict.monitor], verdict, 0)
            self._around.history.refused[effect.reason] += 1
            if effect.reason not in (StepReason.OLD_ROUND, StepReason.OLD_REVISION):
                self._keep(verdict, effect)
                changed.append(verdict.monitor)
        self.later(PUBLISH_MS, self._publish, changed)

    def _keep(self, verdict: Verdict, effect: Effect) -> None:
        before = self._database.states[verdict.monitor]
        self._database.states[verdict.monitor] = effect.state
        self._around.history.apply(Application(self.engine.now_ms, verdict, before, effect.state, effect.moves))

    def _publish(self, changed: list[str]) -> None:
        """Publish beliefs of these monitors; all of them after a loss in Redis."""
        if not changed:
            return
        try:
            known = self._around.broker.beliefs()
            if known is None:
                self._rebuild()
                return
            beliefs = dict(known)
            for monitor in changed:
                belief = lifecycle.belief(self._database.states[monitor])
                if belief is None:
                    beliefs.pop(monitor, None)
                else:
                    beliefs[monitor] = belief
            if beliefs != known:
                self._around.broker.believe(beliefs, whole=False)
        except Away:
            self.later(RETRY_MS, self._publish, changed)

    def _rebuild(self) -> None:
        self._database.check()
        self._around.broker.believe(self._committed(), whole=True)

    def _committed(self) -> dict[str, Belief]:
        beliefs = {monitor: lifecycle.belief(state) for monitor, state in self._database.states.items()}
        return {monitor: belief for monitor, belief in beliefs.items() if belief is not None}

    def _keep_complete(self) -> None:
        """Rebuild lost beliefs at once."""
        try:
            if self._around.broker.beliefs() is None:
                self._rebuild()
        except (Away, DatabaseAway):
            pass
        if not self._around.world.scenario.quiet:
            self.later(COMPLETE_MS, self._keep_complete)

    def _settle(self) -> None:
        """End flapping of monitors that are stable."""
        for monitor, state in self._database.states.items():
            if not state.flapping:
                continue
            effect = lifecycle.settle(state, self.engine.now_ms)
            if effect is not None:
                self._database.states[monitor] = effect.state
                for move in effect.moves:
                    self._around.history.move(monitor, move, self.engine.now_ms, None)
        self.later(SETTLE_MS, self._settle)

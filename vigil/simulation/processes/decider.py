"""Simulated consensus process around the real fold."""

from __future__ import annotations

from math import log

from consensus.fold import Fold
from consensus.process.lease import LEASE_MS
from consensus.suspicion import recheck_due_ms
from consensus.unsaid import Unsaid
from consensus.verdicts import Call, Round, Verdict
from probes import keys
from probes.checks.running_median import MEMORY, SPREAD_FLOOR
from probes.wire import Result
from vigil.simulation.processes.broker import Away, Broker, StreamEntry
from vigil.simulation.processes.engine import SimProcess
from vigil.simulation.processes.surroundings import SimContext

TICK_MS = 100
RENEW_MS = 1_000
REGIONS_MS = 1_000
REPLAY_MS = 180_000
#: Mean delay of reading beliefs every 100 ms.
BELIEFS_MS = 50
AWAY_MS = 500
CALLS_KEPT_MS = 600_000
RESULTS = keys.results("")


class Decider(SimProcess):
    """One decider; of several, one holds the lease."""

    def __init__(self, around: SimContext, name: str) -> None:
        super().__init__(around.engine, name)
        self._around = around
        self._broker: Broker = around.broker
        around.broker.on_beliefs.append(lambda: self.later(BELIEFS_MS, self._believe))
        self._streams = [keys.ROUNDS, *(keys.results(slug) for slug, _ in around.world.scenario.regions)]
        for stream in self._streams:
            around.broker.follow(stream, self)
        self.begin()

    def begin(self) -> None:
        """Rebuild the fold from the streams; decide nothing before beliefs are loaded."""
        self._fold = Fold()
        self._legacy()
        self._unsaid = Unsaid()
        #: Quarantined regions at each verdict not yet written.
        self._barred: dict[str, frozenset[str]] = {}
        self._epoch = 0
        self._valid_until = 0.0
        self._mark = -1
        self._timer = float("inf")
        self._primed = False
        self._backlog: list[StreamEntry] = []
        self._due_ms: list[int] = []
        self._renew()
        self._housekeep()
        self.later(REGIONS_MS, self._judge_regions)
        self._read_again()

    def _read_again(self) -> None:
        """Read recent entries of every stream; rounds first, as results refer to them."""
        since = self.engine.now_ms - REPLAY_MS, 0
        try:
            self._backlog = [entry for stream in self._streams for entry in self._broker.since(stream, since)]
        except Away:
            self.later(AWAY_MS, self._read_again)
            return
        self._believe()

    @property
    def epoch(self) -> int:
        """Epoch to sign with; 0 without a valid lease."""
        return self._epoch if self.engine.now < self._valid_until else 0

    def receive(self, entry: StreamEntry) -> None:
        """An entry was read."""
        if entry.lost:
            return
        if not self._primed:
            self._backlog.append(entry)
            return
        self._take(entry)
        self._turn()

    def _take(self, entry: StreamEntry) -> None:
        payload = entry.payload
        now_ms = self.engine.now_ms
        answer: Call | Verdict | None = None
        if isinstance(payload, Round):
            answer = self._fold.open(payload, now_ms)
        elif isinstance(payload, Result):
            answer = self._fold.result(entry.stream[len(RESULTS) :], payload, entry.at_ms, now_ms)
        if answer is not None:
            self._unsaid.append(answer)

    def _turn(self) -> None:
        """After every read: deadlines, recovery rounds, and writes."""
        now_ms = self.engine.now_ms
        self._unsaid.extend(self._fold.rounds.due(now_ms))
        self._unsaid.extend(self._fold.rechecks(now_ms))
        self._say(now_ms)
        deadline_ms = self._fold.rounds.next_deadline_ms()
        if deadline_ms is not None and deadline_ms < self._timer:
            self._timer = deadline_ms
            self.later(deadline_ms - self.engine.now, self._wake, deadline_ms)

    def _wake(self, at: float) -> None:
        if at == self._timer:
            self._timer = float("inf")
        if self._primed:
            self._turn()

    def _say(self, now_ms: int) -> None:
        if not self._unsaid:
            return
        epoch = self.epoch
        for message in self._unsaid:
            if isinstance(message, Verdict):
                self._barred.setdefault(message.round, frozenset(self._fold.rounds.quarantined))
        try:
            for message in self._unsaid.to_write(epoch, now_ms):
                if isinstance(message, Verdict):
                    self._broker.append(keys.VERDICTS, message)
                    self._around.history.barred.setdefault(message.round, self._barred.pop(message.round))
                else:
                    self._broker.append(keys.CALLS, message)
                self._unsaid.pop(0)
        except Away:
            self.later(AWAY_MS, self._wake, -1.0)

    def _renew(self) -> None:
        try:
            asked = self.engine.now
            self._epoch = self._broker.acquire("consensus", f"{self.name}:{self.boot}")
            self._valid_until = asked + LEASE_MS if self._epoch else 0.0
        except Away:
            pass
        if self._primed and self._unsaid:
            self._turn()
        self.later(RENEW_MS, self._renew)

    def _believe(self) -> None:
        """Load the beliefs if complete and changed."""
        try:
            beliefs = self._broker.beliefs()
        except Away:
            beliefs = None
        if beliefs is None:
            if not self._primed:
                self.later(TICK_MS, self._believe)
            return
        if self._mark != self._broker.belief_mark:
            self._mark = self._broker.belief_mark
            self._fold.believe(beliefs)
            self._due_ms = [due for due in map(recheck_due_ms, beliefs.values()) if due is not None]
            self._recheck(self._mark)
        if not self._primed:
            self._primed = True
            self._fold.sick_regions.restore(self._broker.quarantines, self.engine.now_ms)
            backlog, self._backlog = self._backlog, []
            for entry in backlog:
                if not entry.lost:
                    self._take(entry)
            self._turn()

    def _recheck(self, mark: int) -> None:
        """Wake up for a monitor's recovery round, until its belief has changed."""
        if mark != self._mark or not self._due_ms:
            return
        if self._primed and min(self._due_ms) <= self.engine.now:
            self._turn()
        later_ms = min((due for due in self._due_ms if due > self.engine.now), default=0.0) - self.engine.now
        overdue = any(due <= self.engine.now for due in self._due_ms)
        self.later(TICK_MS * 5 if overdue else later_ms, self._recheck, mark)

    def _judge_regions(self) -> None:
        """Detect sick regions; the leader publishes them for its successor."""
        if self._primed:
            self._fold.judge_regions(self.engine.now_ms)
            if self.epoch and self._broker.up:
                self._publish_quarantines()
        self.later(REGIONS_MS, self._judge_regions)

    def _publish_quarantines(self) -> None:
        found = self._fold.sick_regions.quarantines()
        together, lost = next((tuple(one.together) for one in found if one.together), ()), self._around.history.lost
        if together and not any(one.together for one in self._broker.quarantines):
            lost.append((self.engine.now, together))
        self._broker.quarantine(found)

    def _legacy(self) -> None:
        """Baselines from before the start of the world."""
        world = self._around.world
        for index, (region, _) in enumerate(world.scenario.regions):
            series = [
                (name, 0, MEMORY, log(world.paths[number][index].speed_ms * 1000), SPREAD_FLOOR)
                for number, name in enumerate(world.monitors)
            ]
            self._fold.baselines.restore(region, series, self.engine.now_ms // 1000)

    def _housekeep(self) -> None:
        self._fold.forget_before(self.engine.now_ms - CALLS_KEPT_MS)
        self.later(CALLS_KEPT_MS, self._housekeep)

"""Simulated dispatch process around the real schedule, openings, looks and budgets."""

from __future__ import annotations

import contextlib

from msgspec.structs import replace

from consensus.verdicts import Call, Round, Verdict
from probes import keys
from probes.process.liveness import EVERY_S
from probes.wire import Check, RegionStatus
from vigil.dispatch.core.budget import CallBudget
from vigil.dispatch.core.looks import OpenLooks
from vigil.dispatch.core.opening import open_round
from vigil.dispatch.core.plans import Plan, look_orders, scheduled_check
from vigil.dispatch.core.schedule import LEAD_MS, SECOND_MS, Wheel, seconds_to_send
from vigil.dispatch.core.sites import WatchedSites, spread
from vigil.simulation.processes.broker import Away, StreamEntry
from vigil.simulation.processes.database import Database, DatabaseAway
from vigil.simulation.processes.engine import EPOCH_MS, SimProcess
from vigil.simulation.processes.region import SimRegion
from vigil.simulation.processes.surroundings import SimContext
from vigil.simulation.worlds.draws import between
from vigil.simulation.worlds.scenario import Luck

RENEW_MS = 3_000
ALIVE_MS = 45_000
SIGN_MS = EVERY_S * 1000
RECOVER_MS = 180_000
RETRY_MS = 500
_HOP, _LUCK = range(30, 32)
_HOP_MS = (5, 60)


class SimDispatcher(SimProcess):
    """One dispatcher; of several the lease holder sends, and a paused one sends slightly too long."""

    def __init__(self, around: SimContext, name: str, database: Database, regions: list[SimRegion]) -> None:
        super().__init__(around.engine, name)
        self._around = around
        self._database = database
        self._regions = {region.name: region for region in regions}
        self._plans = {plan.monitor: plan for plan in around.world.plans()}
        self._sites = WatchedSites()
        for plan in self._plans.values():
            self._sites.change(None, plan)
        for stream in (keys.CALLS, keys.VERDICTS):
            around.broker.follow(stream, self)
        self.begin()

    def begin(self) -> None:
        """Stateless: slots are derived, open rounds are on their stream."""
        self._looks = OpenLooks()
        self._budget = CallBudget()
        self._statuses: dict[str, RegionStatus] = {}
        self._statuses_until = 0.0
        self._leading = False
        self._recovered = False
        self._next_second: int | None = None
        self._look_timer = float("inf")
        self._wheel = Wheel()
        if self._around.history.thorough:
            for plan in self._plans.values():
                self._wheel.put(plan)
            self._tick()
        self._renew()
        if self._around.history.thorough:
            self._give_sign()

    def receive(self, entry: StreamEntry) -> None:
        if entry.lost or not self._leading:
            return
        message = entry.payload
        if isinstance(message, Verdict):
            self._looks.close(message.monitor, message.round)
        else:
            for call in spread([message], self._plans):
                self._open(call)

    def send_scheduled(self, plan: Plan, region: str, at_ms: int) -> None:
        """Send the check of one slot, if the region is alive."""
        planned = plan.region(region)
        if planned is not None and at_ms in self._around.world.span and region in self._alive():
            self._around.history.sent[region, int(self.engine.now - EPOCH_MS) // plan.interval_ms] += 1
            self._send(region, scheduled_check(plan, planned, at_ms))

    def plan(self, monitor: str) -> Plan:
        return self._plans[monitor]

    def _renew(self) -> None:
        with contextlib.suppress(DatabaseAway):
            self._leading = self._database.renew(f"{self.name}:{self.boot}")
        if not self._leading:
            self._recovered = False
            self._next_second = None
        elif not self._recovered:
            self._recover()
        self.later(RENEW_MS, self._renew)

    def _give_sign(self) -> None:
        """Publish a new status mark for regions."""
        if self._leading and self._around.broker.up:
            self._around.broker.mark = self.engine.now_ms
        self.later(SIGN_MS, self._give_sign)

    def _recover(self) -> None:
        """Resume rounds without a verdict."""
        now_ms = self.engine.now_ms
        since = now_ms - RECOVER_MS, 0
        try:
            rounds: list[Round] = [entry.payload for entry in self._around.broker.since(keys.ROUNDS, since)]
            decided = {entry.payload.round for entry in self._around.broker.since(keys.VERDICTS, since)}
        except Away:
            return
        self._looks = OpenLooks()
        for round in rounds:
            if round.id not in decided:
                self._looks.add(round, now_ms)
        self._recovered = True
        self._send_looks()

    def _tick(self) -> None:
        """Send every second within the lead once; after a pause only the last few."""
        seconds = seconds_to_send(self._next_second, self.engine.now_ms)
        if self._leading and self._around.broker.up:
            for second in seconds:
                self._next_second = second + 1
                for plan, region, at_ms in self._wheel.due(second):
                    self.send_scheduled(plan, region.slug, at_ms)
        self.later(seconds.stop * SECOND_MS - LEAD_MS - self.engine.now, self._tick)

    def _open(self, call: Call) -> None:
        """Open a round for a call: announce first, then ask."""
        now_ms = self.engine.now_ms
        plan = self._plans[call.monitor]
        if self._looks.is_open(call.monitor, plan.revision, now_ms):
            return
        round = open_round(plan, call, self._alive(), now_ms, self._sites.besides(plan.site))
        looks_ms = self._around.world.scenario.looks_ms
        if looks_ms:
            round = replace(round, looks_ms=[now_ms + after_ms for after_ms in looks_ms])
        asked = [elector.region for elector in round.electorate]
        if not self._budget.admit(plan.monitor, plan.target, asked, now_ms):
            self._around.history.refused["no_budget"] += 1
            return
        try:
            self._around.broker.append(keys.ROUNDS, round)
        except Away:
            return
        self._around.history.rounds[round.id] = round
        self._looks.add(round, now_ms)
        self._send_looks()

    def _send_looks(self) -> None:
        now_ms = self.engine.now_ms
        for round, look in self._looks.take_due(now_ms):
            for region, check in look_orders(self._plans[round.monitor], round, look):
                self._send(region, check)
        next_ms = self._looks.next_ms()
        if next_ms is not None and next_ms < self._look_timer:
            self._look_timer = next_ms
            self.later(max(1.0, next_ms - self.engine.now), self._wake, next_ms)

    def _wake(self, at_ms: int) -> None:
        if at_ms == self._look_timer:
            self._look_timer = float("inf")
        if self._leading:
            self._send_looks()

    def _send(self, region: str, check: Check) -> None:
        """Queue a check in a region; on the way it may be lost, doubled or late."""
        if not self._around.broker.up:
            return
        world, receiver = self._around.world, self._regions[region]
        key = (world.seed, world.number(check.monitor), receiver.index, check.at_ms * 8 + check.look)
        luck, late_ms = world.scenario.links.luck(_LUCK, *key)
        if luck is Luck.LOST:
            return
        arrives = self.engine.now + int(between(*_HOP_MS, _HOP, *key))
        self.engine.at(arrives + (int(late_ms) if luck is Luck.LATE else 0), receiver.queue, check)
        if luck is Luck.TWICE:
            self.engine.at(arrives + late_ms, receiver.queue, check)

    def _alive(self) -> dict[str, RegionStatus]:
        """Regions with a recent status, even if Redis has lost it; read once a second."""
        if self.engine.now < self._statuses_until:
            return self._statuses
        now_ms = self.engine.now_ms
        alive = {name: status for name, status in self._statuses.items() if now_ms - status.at_ms < ALIVE_MS}
        with contextlib.suppress(Away):
            alive |= self._around.broker.statuses()
        self._statuses = alive
        self._statuses_until = self.engine.now + SECOND_MS
        return alive

"""Dispatch service (stateless): sends due checks to regions, and opens a round for each admitted call."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import redis
import structlog

from consensus.verdicts import VERDICT_VERSION, Call, Round
from consensus.vocabulary import Cause
from probes.process.dead_letters import NO_ENTRY, DeadLetterMessage
from probes.process.duties import Duties
from probes.process.health import Health
from probes.process.main_loop import turn_until_stopped
from probes.wire import CANARY_KIND, Check, Lane
from vigil.dispatch.bus import Bus
from vigil.dispatch.call_letters import call_letter, round_letter
from vigil.dispatch.core.budget import CallBudget
from vigil.dispatch.core.looks import OpenLooks
from vigil.dispatch.core.opening import open_round
from vigil.dispatch.core.plans import Plan, RegionPlan, look_orders
from vigil.dispatch.core.schedule import SECOND_MS
from vigil.dispatch.core.sites import WatchedSites, spread
from vigil.dispatch.pauses import Pauses
from vigil.dispatch.served_regions import ServedRegions
from vigil.dispatch.slots.due import SCHEDULED_EXPIRES_S, DueSlots
from vigil.dispatch.watch import ConfigChange, Watch

log = structlog.get_logger()

TICK_MS = 100
STATUSES_S = 1.0
CLOCK_S = 5.0
#: Younger rounds may still be open when a dispatcher starts.
RECOVER_MS = 180_000

Order = tuple[str, Check]
T = TypeVar("T")


class Dispatcher:
    """One dispatcher. `run` returns when `stop` is set, and only then; each turn keeps the threads beside it alive."""

    def __init__(self, bus: Bus, watch: Watch, health: Health, keep_alive: Callable[[], object]) -> None:
        self._bus = bus
        self._now_ms = bus.clock.now_ms
        self._watch = watch
        self._keep_alive = keep_alive
        self._isolation = bus.isolation
        self._health = health
        self._alive = bus.sign_of_life("dispatch")
        self._plans: dict[str, Plan] = {}
        self._pauses = Pauses()
        self._watched_from: Counter[str] = Counter()
        self._sites = WatchedSites()
        self._regions = ServedRegions(bus)
        self._looks = OpenLooks()
        self._budget = CallBudget()
        self._duties = Duties()
        self._slots = DueSlots(bus, self._is_sent, self._is_asked)
        self._recovered = False
        self._news: list[Call] = []

    def run(self, stop: threading.Event) -> None:
        """Dispatch until stopped; retries with its memory while Redis is unavailable."""
        self._watch.start()
        turn_until_stopped(self._turn, stop, self._isolation, self._health, self._recover_from)
        self._watch.stop()
        self._slots.stop()

    def _recover_from(self, error: Exception) -> bool:
        # Redis may have been replaced by a server with another clock.
        self._duties.make_due("clock")
        return isinstance(error, redis.ResponseError) and self._bus.put_right(error)

    def _turn(self) -> None:
        self._watch.keep_alive()
        self._keep_alive()
        self._bus.write_letters()
        while not self._watch.changes.empty():
            self._take_change(self._watch.changes.get())
        self._isolation.attempt("duties", self._do_duties, None)
        if not self._watch.leading:
            self._stand_by()
            return
        if not self._recovered:
            self._recover()
        self._slots.send(self._now_ms())
        calls, self._news = self._news, []
        for message in self._bus.read(self._wait_ms() if not calls else 1):
            if isinstance(message, Call):
                calls.append(message)
            else:
                self._looks.close(message.monitor, message.round)
        self._open_rounds(calls)
        self._send_looks()
        self._isolation.attempt("alive", lambda: self._alive.beat(self._watched_from.keys()), None)
        self._health.beat(leading=True, monitors=len(self._plans), open_rounds=len(self._looks))

    def _do_duties(self) -> None:
        self._duties.do("clock", CLOCK_S, self._bus.clock.measure)
        self._duties.do("statuses", STATUSES_S, self._read_statuses)

    def _read_statuses(self) -> None:
        self._regions.read(self._watched_from.keys(), self._now_ms())
        if self._watch.leading:
            self._isolation.attempt("shedding", self._regions.shed, None)

    def _is_sent(self, plan: Plan, region: RegionPlan, at_ms: int) -> bool:
        able = region.able and not self._pauses.holds(plan.monitor, at_ms)
        return able and self._regions.takes(region.slug, plan.monitor, at_ms // plan.interval_ms)

    def _is_asked(self, plan: Plan, region: RegionPlan, at_ms: int) -> bool:
        """Whether a canary's slot is sent: never from a region whose answer, paid for, would not count."""
        return region.slug not in self._regions.quarantined and self._is_sent(plan, region, at_ms)

    def _take_change(self, change: ConfigChange) -> None:
        if change.pauses is not None:
            self._pauses = change.pauses
        left: dict[str, list[str]] = {}
        for monitor in change.gone:
            plan = self._plans.pop(monitor, None)
            self._slots.remove(monitor)
            self._sites.change(plan, None)
            if plan:
                left[monitor] = [region.slug for region in plan.regions]
                self._watched_from.subtract(left[monitor])
        for monitor, plan in change.plans.items():
            self._entry("plan", monitor, partial(self._take_plan, monitor, plan, change.first))
        self._watched_from = +self._watched_from
        self._duties.make_due("statuses")
        if change.complete:
            self._health.mark_ready()
        for monitor, regions in left.items():
            self._bus.forget([monitor], regions)

    def _take_plan(self, monitor: str, plan: Plan, first: bool) -> None:
        known = self._plans.get(monitor)
        if known == plan:
            return
        self._slots.put(plan)
        if known is not None:
            self._watched_from.subtract(region.slug for region in known.regions)
        self._watched_from.update(region.slug for region in plan.regions)
        self._plans[monitor] = plan
        self._sites.change(known, plan)
        if not first:
            self._news.append(Call(VERDICT_VERSION, monitor, "", Cause.FIRST_LOOK, self._now_ms()))

    def _entry(self, step: str, origin: str, work: Callable[[], T], letter: DeadLetterMessage = NO_ENTRY) -> T | None:
        """What `work` makes of one plan, call or round; None for one that fails twice: a dead letter."""
        return self._isolation.entry(step, origin, work, letter)

    def _look(self, round: Round, work: Callable[[], T]) -> T | None:
        return self._entry("look", round.monitor, work, round_letter(round))

    def _stand_by(self) -> None:
        self._recovered = False
        self._slots.pause()
        self._news.clear()
        self._health.beat(leading=False)
        time.sleep(TICK_MS / 1000)

    def _recover(self) -> None:
        """Resume the rounds that the last dispatcher left open."""
        now_ms = self._now_ms()
        self._bus.start_at(now_ms - SECOND_MS * 5)
        self._looks = OpenLooks()
        for round in self._bus.undecided_rounds(now_ms - RECOVER_MS):
            self._look(round, partial(self._looks.add, round, now_ms))
        self._recovered = True

    def _open_rounds(self, calls: list[Call]) -> None:
        now_ms = self._now_ms()
        opened: dict[str, Round] = {}
        for call in spread(calls, self._plans):
            if call.monitor in opened:
                continue
            round = self._entry("call", call.monitor, partial(self._round_of, call, now_ms), call_letter(call))
            if round is not None:
                opened[call.monitor] = round

        def bury(round: Round, error: Exception) -> None:
            self._isolation.bury("announce", round.monitor, error, round_letter(round))

        # Announced first: a round that no process knows of must not keep the next one from being opened.
        self._isolation.apply(list(opened.values()), self._bus.announce, bury)
        for round in opened.values():
            self._look(round, partial(self._looks.add, round, now_ms))
            log.info("round.opened", monitor=round.monitor, cause=round.cause, caller=round.caller, round=round.id)

    def _round_of(self, call: Call, now_ms: int) -> Round | None:
        plan = self._plans.get(call.monitor)
        # Ignored if the region does not watch the monitor. A canary has no rounds: each answer costs money.
        if plan is None or plan.kind == CANARY_KIND or (call.region and plan.region(call.region) is None):
            return None
        # A round open at the start of a window is finished, or it would look like blindness.
        if self._pauses.holds(call.monitor, now_ms) or self._looks.is_open(call.monitor, plan.revision, now_ms):
            return None
        round = open_round(plan, call, self._regions.statuses, now_ms, self._sites.besides(plan.site))
        asked = [elector.region for elector in round.electorate]
        return round if self._budget.admit(plan.monitor, plan.target, asked, now_ms) else None

    def _send_looks(self) -> None:
        orders: list[Order] = []
        for round, look in self._looks.take_due(self._now_ms()):
            orders += self._look(round, partial(self._look_orders, round, look)) or []
        self._bus.send(Lane.CONFIRM, orders, SCHEDULED_EXPIRES_S)

    def _look_orders(self, round: Round, look: int) -> list[Order]:
        plan = self._plans.get(round.monitor)
        return look_orders(plan, round, look) if plan is not None and plan.revision == round.revision else []

    def _wait_ms(self) -> int:
        now_ms = self._now_ms()
        until_ms = [self._slots.next_ms(), now_ms + TICK_MS, self._looks.next_ms()]
        return max(1, min(one_ms for one_ms in until_ms if one_ms is not None) - now_ms)

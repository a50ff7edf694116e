"""Dispatch service: sends due checks to regions, and opens a round for every admitted call.

Stateless: slots are pure functions of the monitors, and open rounds are on their stream.
"""

from __future__ import annotations

import threading
import time
from collections import Counter

import redis
import structlog

from consensus.verdicts import VERDICT_VERSION, Call, Round
from consensus.vocabulary import Cause
from probes.process.duties import Duties
from probes.process.health import Health
from probes.queue.sender import QueueUnavailable
from probes.wire import Check, Lane, RegionStatus
from vigil.dispatch.bus import Bus
from vigil.dispatch.core.budget import CallBudget
from vigil.dispatch.core.looks import OpenLooks
from vigil.dispatch.core.opening import open_round
from vigil.dispatch.core.plans import LookOrder, Plan, RegionPlan, confirming_check, scheduled_check
from vigil.dispatch.core.schedule import SECOND_MS, Wheel
from vigil.dispatch.core.shedding import RegionLoad, Shares, Strain, is_kept
from vigil.dispatch.pauses import Pauses
from vigil.dispatch.watch import ConfigChange, Watch

log = structlog.get_logger()

TICK_MS = 100
RETRY_S = 0.5
#: A second's checks are sent this long before it starts; workers start each at its slot.
LEAD_MS = 400
#: Longest backlog after a pause, to avoid a thundering herd.
CATCH_UP_S = 3
STATUSES_S = 1.0
CLOCK_S = 5.0
#: A region is served this long after its last status, even if Redis has lost the key.
ALIVE_MS = 45_000
#: Younger rounds may still be open when a dispatcher starts.
RECOVER_MS = 180_000
SCHEDULED_EXPIRES_S = 30.0


class Dispatcher:
    """One dispatcher. `run` returns when `stop` is set; anything unexpected ends the process."""

    def __init__(self, bus: Bus, watch: Watch, health: Health) -> None:
        self._bus = bus
        self._watch = watch
        self._health = health
        self._alive = bus.sign_of_life("dispatch")
        self._wheel = Wheel()
        self._plans: dict[str, Plan] = {}
        self._pauses = Pauses()
        #: Monitors of each region.
        self._watched_from: Counter[str] = Counter()
        self._shares = Shares()
        self._looks = OpenLooks()
        self._budget = CallBudget()
        self._statuses: dict[str, RegionStatus] = {}
        self._duties = Duties()
        self._next_second: int | None = None
        self._recovered = False
        self._news: list[Call] = []

    def run(self, stop: threading.Event) -> None:
        """Dispatch until stopped; retries with its memory while Redis is unavailable."""
        self._watch.start()
        while not stop.is_set():
            if not self._watch.is_alive():
                raise RuntimeError("the thread that watches PostgreSQL has ended")
            try:
                self._turn()
            except (redis.ConnectionError, redis.TimeoutError, QueueUnavailable) as error:
                log.warning("redis.away", error=type(error).__name__)
                # Redis may have been replaced by a server with another clock.
                self._duties.make_due("clock")
                self._health.beat(redis="away")
                stop.wait(RETRY_S)
            except redis.ResponseError as error:
                if not self._bus.put_right(error):
                    raise
        self._watch.stop()

    def _turn(self) -> None:
        while not self._watch.changes.empty():
            self._take_change(self._watch.changes.get())
        self._do_duties()
        if not self._watch.leading:
            self._stand_by()
            return
        if not self._recovered:
            self._recover()
        self._send_due()
        calls, self._news = self._news, []
        for message in self._bus.read(self._wait_ms() if not calls else 1):
            if isinstance(message, Call):
                calls.append(message)
            else:
                self._looks.close(message.monitor, message.round)
        self._open_rounds(calls)
        self._send_looks()
        self._alive.beat(self._watched_from.keys())
        self._health.beat(leading=True, monitors=len(self._plans), open_rounds=len(self._looks))

    def _do_duties(self) -> None:
        if self._duties.is_due("clock", CLOCK_S):
            self._bus.clock.measure()
        if self._duties.is_due("statuses", STATUSES_S):
            regions = self._watched_from.keys()
            now_ms = self._now_ms()
            alive = {region: status for region, status in self._statuses.items() if now_ms - status.at_ms < ALIVE_MS}
            self._statuses = {**alive, **self._bus.statuses(regions)}
            if self._watch.leading:
                self._judge_loads()

    def _judge_loads(self) -> None:
        """Shed load of regions that cannot keep up, and publish that."""
        before = self._shares.strained()
        for region, waiting in self._bus.waiting_batches(self._statuses).items():
            status = self._statuses[region]
            load = self._shares.judge(region, Strain(waiting, status.queue_age_ms, status.at_ms))
            if load is not RegionLoad.AT_REST:
                log.warning("region.shedding", region=region, why=load, share=round(self._shares.of(region), 3))
        self._shares.forget_all_but(self._statuses)
        if before or self._shares.strained():
            self._bus.publish_shares(self._shares.strained())

    def _is_sent(self, plan: Plan, region: RegionPlan, at_ms: int) -> bool:
        if not region.able or region.slug not in self._statuses or self._pauses.holds(plan.monitor, at_ms):
            return False
        share = self._shares.of(region.slug)
        return share >= 1.0 or is_kept(plan.monitor, at_ms // plan.interval_ms, share)

    def _take_change(self, change: ConfigChange) -> None:
        if change.pauses is not None:
            self._pauses = change.pauses
        for monitor in change.gone:
            plan = self._plans.pop(monitor, None)
            self._wheel.remove(monitor)
            if plan:
                self._watched_from.subtract(region.slug for region in plan.regions)
                self._bus.forget([monitor], [region.slug for region in plan.regions])
        for monitor, plan in change.plans.items():
            known = self._plans.get(monitor)
            if known == plan:
                continue
            if known is not None:
                self._watched_from.subtract(region.slug for region in known.regions)
            self._watched_from.update(region.slug for region in plan.regions)
            self._plans[monitor] = plan
            self._wheel.put(plan)
            if not change.first:
                self._news.append(Call(VERDICT_VERSION, monitor, "", Cause.FIRST_LOOK, self._now_ms()))
        self._watched_from = +self._watched_from
        self._duties.make_due("statuses")
        if change.complete:
            self._health.mark_ready()

    def _stand_by(self) -> None:
        self._recovered = False
        self._next_second = None
        self._news.clear()
        self._health.beat(leading=False)
        time.sleep(TICK_MS / 1000)

    def _recover(self) -> None:
        """Resume the rounds that the last dispatcher left open."""
        now_ms = self._now_ms()
        self._bus.start_at(now_ms - SECOND_MS * 5)
        self._looks = OpenLooks()
        for round in self._bus.undecided_rounds(now_ms - RECOVER_MS):
            self._looks.add(round, now_ms)
        self._recovered = True

    def _send_due(self) -> None:
        """Send every second that starts within the lead, exactly once."""
        horizon = (self._now_ms() + LEAD_MS) // SECOND_MS
        first = horizon if self._next_second is None else max(self._next_second, horizon - CATCH_UP_S)
        for second in range(first, horizon + 1):
            self._next_second = second + 1
            due = (
                (region.slug, scheduled_check(plan, region, at_ms))
                for plan, region, at_ms in self._wheel.due(second)
                if self._is_sent(plan, region, at_ms)
            )
            self._bus.send(Lane.SCHEDULED, due, SCHEDULED_EXPIRES_S)

    def _open_rounds(self, calls: list[Call]) -> None:
        now_ms = self._now_ms()
        opened: dict[str, Round] = {}
        for call in calls:
            plan = self._plans.get(call.monitor)
            # Ignored if the region does not watch the monitor.
            if plan is None or call.monitor in opened or (call.region and plan.region(call.region) is None):
                continue
            # A round open at the start of a window is finished, or it would look like blindness.
            if self._pauses.holds(call.monitor, now_ms) or self._looks.is_open(call.monitor, plan.revision, now_ms):
                continue
            round = open_round(plan, call, self._statuses, now_ms)
            asked = [elector.region for elector in round.electorate]
            if self._budget.admit(plan.monitor, plan.target, asked, now_ms):
                opened[call.monitor] = round
        # Announce first: an unannounced round must not block the next one.
        self._bus.announce(opened.values())
        for round in opened.values():
            self._looks.add(round, now_ms)
            log.info("round.opened", monitor=round.monitor, cause=round.cause, caller=round.caller, round=round.id)

    def _send_looks(self) -> None:
        now_ms = self._now_ms()
        orders: list[tuple[str, Check]] = []
        for round, look in self._looks.take_due(now_ms):
            plan = self._plans.get(round.monitor)
            if plan is None or plan.revision != round.revision:
                continue
            at_ms = round.looks_ms[look - 1]
            order = LookOrder(round.id, look, at_ms, at_ms + round.look_length_ms - plan.timeout_ms)
            for elector in round.electorate:
                region = plan.region(elector.region)
                if region is not None:
                    orders.append((region.slug, confirming_check(plan, region, order)))
        self._bus.send(Lane.CONFIRM, orders, SCHEDULED_EXPIRES_S)

    def _wait_ms(self) -> int:
        now_ms = self._now_ms()
        next_second_ms = (self._next_second or 0) * SECOND_MS - LEAD_MS
        until = [next_second_ms - now_ms, TICK_MS]
        next_look_ms = self._looks.next_ms()
        if next_look_ms is not None:
            until.append(next_look_ms - now_ms)
        return max(1, min(until))

    def _now_ms(self) -> int:
        return self._bus.clock.now_ms()

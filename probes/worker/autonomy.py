"""Autonomous mode: keeps running the last known schedule while no dispatcher is heard.

A region is alone when it has heard no dispatcher for 30 s: neither an order nor a sign of life, because Redis cannot be
reached or no dispatcher leads. A region that the control plane has dismissed, or that Redis has refused for minutes, is
not alone, and forgets its orders. Of two workers in one region, the one that was given a monitor's last order repeats
it: each knows of the other by the statuses of its region that it did not write, and of what the other was given by the
batches that it tells (`standing_news`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from probes.checks.runner import Runner
from probes.results.local_store import LocalStore, StoreUnavailable
from probes.wire import WIRE_VERSION, Batch, Lane
from probes.worker.standing_orders import STANDING_MOST_MS, StandingOrders

_log = structlog.get_logger(__name__)

ALONE_AFTER_S = 30.0
#: A Redis that was restarted knows its users again once dispatch has made them.
REFUSED_MOST_S = 300.0
_TICK_S = 0.25
_AHEAD_MS = 500
_REMEMBER_S = 15.0
#: Another worker of the region was there if it reported within this time before our own last report (s).
_BESIDE_S = 30.0


class Autonomy:
    """Listens to dispatch, and stands in for it while it is silent. For one loop."""

    def __init__(self, region: str, runner: Runner, store: LocalStore) -> None:
        self._region = region
        self._runner = runner
        self._store = store
        self._standing = StandingOrders()
        self._heard_s = time.monotonic()
        self._heard_ms = 0
        self._mark: bytes | None = None
        self._dismissed = False
        #: When this worker last reported, and last found the report of another (s, monotonic).
        self._reported_s = self._beside_s = float("-inf")
        self._shared = False
        #: Since when Redis refuses this region (s, monotonic).
        self._refused_s: float | None = None
        #: The stored orders are to be deleted.
        self._forgets = False
        self._gone: list[str] = []
        self._stops = False
        self.alone = False
        #: Called at every turn.
        self.turned: Callable[[], object] = lambda: None

    async def recall(self) -> int:
        """Load what an earlier worker stored; returns the number of orders."""
        try:
            remembered = await asyncio.to_thread(self._store.remembered)
        except StoreUnavailable as error:
            _log.error("local_store.unavailable", error=str(error))
            return 0
        self._standing.restore(remembered.orders, remembered.heard_ms, remembered.others)
        self._heard_ms = remembered.heard_ms
        if remembered.heard_ms:
            self._runner.offset_ms = remembered.offset_ms
        return len(self._standing)

    def begin_alone(self) -> None:
        """Redis is away at the start: be alone at once, without the wait of 30 s."""
        self._heard_s = -ALONE_AFTER_S

    def ordered(self, batch: Batch) -> None:
        """A batch was taken from the queue."""
        if batch.lane is Lane.SCHEDULED:
            now_ms = self._runner.now_ms()
            for check in batch.checks:
                self._standing.note(check, now_ms)
            self._hear()

    def listen(self, mark: bytes | None, dismissed: bool = False) -> None:
        """Take dispatch's mark as Redis has it now: a mark that changes is a sign of life. None means silence."""
        if dismissed:
            self._dismiss("the control plane has no work for this region")
        elif mark is not None and mark != self._mark:
            # The first mark read may be of any age.
            if self._mark is not None:
                self._hear()
            self._mark = mark

    def reported(self, beside: bool) -> None:
        """This worker's status was written; `beside`: another worker of the region had written one since the last."""
        self._reported_s, self._refused_s = time.monotonic(), None
        if beside:
            self._beside_s = self._reported_s

    @property
    def is_beside_another(self) -> bool:
        """Whether there is another worker of the region to be told what this one is ordered."""
        return not self._dismissed and self._is_shared()

    def learn(self, batch: Batch) -> None:
        """The other worker of the region was ordered this. A region that is dismissed has no orders."""
        if not self._dismissed and batch.lane is Lane.SCHEDULED:
            now_ms = self._runner.now_ms()
            for check in batch.checks:
                self._standing.note(check, now_ms, here=False)

    def stop(self) -> None:
        """The worker ends: start no slot any more."""
        self._stops = True

    def refused(self) -> None:
        """Redis refuses this region's login, again or for the first time."""
        now_s = time.monotonic()
        if self._refused_s is None:
            self._refused_s = now_s
        if now_s - self._refused_s >= REFUSED_MOST_S:
            self._dismiss("Redis refuses this region")

    async def run(self) -> None:
        """Stand in for dispatch whenever it is silent, until cancelled."""
        while True:
            self.turned()
            self._runner.mind_the_clock()
            self._judge()
            if self.alone and not self._stops:
                due = list(self._standing.take_due(self._runner.now_ms(), _AHEAD_MS))
                if due:
                    self._runner.submit(Batch(WIRE_VERSION, self._region, Lane.SCHEDULED, due))
            await asyncio.sleep(_TICK_S)

    async def run_memory(self) -> None:
        """Store the orders every few seconds, beside `run`, so that a slow disk delays no slot."""
        while True:
            await asyncio.sleep(_REMEMBER_S)
            await self.remember()

    async def remember(self) -> None:
        """Store what the next worker needs if it finds no dispatcher either."""
        if self._forgets and not await self._keep_nothing():
            return
        if not self.alone:
            self._gone += self._standing.forget(self._heard_ms)
        changed, gone, others = self._standing.take_changed(), list(self._gone), self._standing.others()
        offset_ms = round(self._runner.offset_ms)
        try:
            await asyncio.to_thread(self._store.remember, changed, gone, others, self._heard_ms, offset_ms)
            del self._gone[: len(gone)]
        except StoreUnavailable as error:
            _log.error("local_store.unavailable", error=str(error))
            self._standing.put_back(changed)

    async def _keep_nothing(self) -> bool:
        try:
            await asyncio.to_thread(self._store.forget_orders)
        except StoreUnavailable as error:
            _log.error("local_store.unavailable", error=str(error))
            return False
        self._forgets = False
        return True

    def _judge(self) -> None:
        silent = time.monotonic() - self._heard_s > ALONE_AFTER_S and not self._dismissed and bool(self._standing)
        outdated = self._runner.now_ms() - self._heard_ms > STANDING_MOST_MS
        if silent and outdated:
            self._dismiss("no word for seven days: its orders are too old")
        elif silent and (not self.alone or self._shared != self._is_shared()):
            self._stand_alone()
        elif self.alone and not silent:
            self._follow("a dispatcher is heard again")

    def _is_shared(self) -> bool:
        """Whether another worker shares the region. While Redis is away this stays as it was."""
        return self._beside_s > self._reported_s - _BESIDE_S

    def _stand_alone(self) -> None:
        self.alone, self._shared = True, self._is_shared()
        monitors = self._standing.stand_alone(self._heard_ms, self._runner.now_ms(), self._shared)
        why = "no dispatcher is heard: it repeats its last orders"
        _log.warning("region.alone", monitors=monitors, shared=self._shared, why=why)

    def _hear(self) -> None:
        self._heard_s, self._heard_ms = time.monotonic(), self._runner.now_ms()
        self._standing.hear(self._heard_ms)
        self._dismissed = False

    def _dismiss(self, why: str) -> None:
        if not self._dismissed:
            self._dismissed = self._forgets = True
            self._standing.dismiss()
            self._follow(why)

    def _follow(self, why: str) -> None:
        if self.alone:
            _log.warning("region.follows", why=why)
        self.alone = False
        self._standing.follow()

"""Canaries of a dispatcher: their slots, and the reservation of each on a thread beside it, before it is sent.

A canary's regions take turns: one asks in each interval. It is part of no round, and no region goes on with it by
itself. While PostgreSQL is away nothing is reserved, so nothing is asked.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence

import structlog
from django.db import connection

from probes.process.main_loop import LastingThread
from probes.wire import Check
from vigil.away import is_postgresql
from vigil.canaries.reserving import CanarySlot, reserve_slots
from vigil.deadletters.record import LetterSource, isolation
from vigil.dispatch.core.plans import Plan, RegionPlan, canary_check
from vigil.dispatch.core.schedule import Due, Wheel

log = structlog.get_logger(__name__)

#: Seconds whose slots wait for their reservation; later ones are left out, so that nothing is asked of them.
WAITING_MOST = 30
_POLL_S = 0.5

Reserve = Callable[[Sequence[CanarySlot]], list[bool]]


class CanaryTurns:
    """Give it plans and seconds; it gives back the orders that are paid for. Only `run` is called on its thread."""

    def __init__(self, reserve: Reserve = reserve_slots) -> None:
        self._reserve = reserve
        self._wheel = Wheel()
        self._asked: queue.Queue[list[Due]] = queue.Queue(WAITING_MOST)
        self._granted: queue.SimpleQueue[tuple[str, Check]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = LastingThread("canaries", self.run)
        self._is_started = False
        self._isolation = isolation(LetterSource.DISPATCH)

    def put(self, plan: Plan) -> None:
        self._wheel.put(plan)

    def remove(self, monitor: str) -> None:
        self._wheel.remove(monitor)

    def ask(self, second: int, is_sent: Callable[[Plan, RegionPlan, int], bool]) -> None:
        """Have the slots of a second reserved; returns at once. The thread begins with the first canary there is."""
        if not len(self._wheel):
            return
        if not self._is_started:
            self._is_started = True
            self._thread.start()
        self._thread.keep_alive()
        due = [one for one in self._wheel.due(second) if is_sent(*one)]
        if due:
            try:
                self._asked.put_nowait(due)
            except queue.Full:
                log.warning("canaries.not_asked", slots=len(due))

    def granted(self) -> list[tuple[str, Check]]:
        """The orders whose reservation is committed, each once."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._granted.get_nowait())
        return found

    def stop(self) -> None:
        self._stopping.set()
        if self._is_started:
            self._thread.join(_POLL_S * 4)

    def run(self) -> None:
        """Reserve what is asked for, until stopped."""
        try:
            while not self._stopping.is_set():
                try:
                    due = self._asked.get(timeout=_POLL_S)
                except queue.Empty:
                    continue
                for order in self._reserved(due):
                    self._granted.put(order)
        finally:
            connection.close()

    def _reserved(self, due: Sequence[Due]) -> list[tuple[str, Check]]:
        slots = [CanarySlot(plan.monitor, plan.revision, region.slug, at_ms) for plan, region, at_ms in due]
        try:
            granted = self._reserve(slots)
        except Exception as error:  # noqa: BLE001  # nothing was reserved, so nothing is asked
            if is_postgresql(error):
                connection.close()
                log.warning("canaries.not_asked", slots=len(due), error=type(error).__name__)
                return []
            # One that cannot be reserved holds up no other.
            granted = self._isolation.each("reserve", slots, lambda slot: self._reserve([slot])[0], False)
        return [
            (region.slug, canary_check(plan, region, at_ms))
            for (plan, region, at_ms), paid in zip(due, granted, strict=True)
            if paid
        ]

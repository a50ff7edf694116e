"""Due slots: sends what the schedule has for each second, and the canaries that are paid for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog

from probes.process.dead_letters import NO_ENTRY
from probes.wire import CANARY_KIND, Check, Lane, encode
from vigil.dispatch.bus import Bus
from vigil.dispatch.core.plans import Plan, RegionPlan, scheduled_check
from vigil.dispatch.core.schedule import LEAD_MS, SECOND_MS, Wheel, seconds_to_send
from vigil.dispatch.slots.canaries import CanaryTurns

log = structlog.get_logger(__name__)

SCHEDULED_EXPIRES_S = 30.0

#: Whether a slot of a region is sent, at a moment (ms since the epoch).
IsSent = Callable[[Plan, RegionPlan, int], bool]


class DueSlots:
    """The slots of all monitors. `send` may raise what says that Redis is away; `pause` while another dispatches."""

    def __init__(self, bus: Bus, is_sent: IsSent, is_asked: IsSent) -> None:
        """`is_asked` is that of canaries."""
        self._bus = bus
        self._is_sent = is_sent
        self._is_asked = is_asked
        self._isolation = bus.isolation
        self._wheel = Wheel()
        self._canaries = CanaryTurns()
        self._next_second: int | None = None

    def put(self, plan: Plan) -> None:
        """Add or replace a monitor, whose kind may have changed."""
        self.remove(plan.monitor)
        (self._canaries if plan.kind == CANARY_KIND else self._wheel).put(plan)

    def remove(self, monitor: str) -> None:
        self._wheel.remove(monitor)
        self._canaries.remove(monitor)

    def pause(self) -> None:
        """Begin anew with the present second. What was granted stays reserved, and is not sent."""
        self._next_second = None
        self._canaries.granted()

    def stop(self) -> None:
        self._canaries.stop()

    def next_ms(self) -> int:
        """When the next second is to be sent."""
        return (self._next_second or 0) * SECOND_MS - LEAD_MS

    def send(self, now_ms: int) -> None:
        """Send every second that starts within the lead, exactly once."""
        for second in seconds_to_send(self._next_second, now_ms):
            self._next_second = second + 1
            self._canaries.ask(second, self._is_asked)
            due = (
                (region.slug, scheduled_check(plan, region, at_ms))
                for plan, region, at_ms in self._wheel.due(second)
                if self._is_sent(plan, region, at_ms)
            )
            try:
                self._bus.send(Lane.SCHEDULED, due, SCHEDULED_EXPIRES_S)
            except Exception as error:
                if self._isolation.refusal(error):
                    raise
                # A check that came twice is run once.
                log.warning("checks.not_sent", error=type(error).__name__)
                self._send_each(second)
        # Never again: what may have been sent may have been billed.
        paid = self._canaries.granted()
        if paid:
            self._bus.send(Lane.SCHEDULED, paid, SCHEDULED_EXPIRES_S)

    def _send_each(self, second: int) -> None:
        """Send what is due in a second without the checks that cannot be made or written."""

        def order(plan: Plan, region: RegionPlan, at_ms: int) -> tuple[str, Check] | None:
            if not self._is_sent(plan, region, at_ms):
                return None
            check = scheduled_check(plan, region, at_ms)
            encode(check)
            return region.slug, check

        due = self._wheel.due(second)
        found = [self._isolation.entry("check", each[0].monitor, partial(order, *each), NO_ENTRY) for each in due]
        self._bus.send(Lane.SCHEDULED, [one for one in found if one is not None], SCHEDULED_EXPIRES_S)

"""Standing orders of a region: the last order of each monitor, and the slots that follow from it. Pure.

A slot is a pure function of the monitor, and so is a check's id: the same slot gives the same check, whether dispatch
or the region asks for it. So no slot is checked twice when dispatch is heard again.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from probes.wire import Check

#: A region that has heard no control plane for longer than this (ms) stops: its configuration is too old.
STANDING_MOST_MS = 7 * 24 * 3_600_000
#: A monitor that was not ordered for this many intervals, while others were, is no longer watched.
INTERVALS_WITHOUT = 2
#: How late an order may be on top of that (ms): as long as dispatch may be silent before a standby takes over.
_LATE_MS = 35_000
#: Slots further back than this (ms) are skipped: after a pause of this process, a burst of old checks has no use.
_BACK_MS = 3_000
#: A check not started this long after its slot is missed, as dispatch has it; shorter for shorter intervals.
_LATEST_START_MS = 30_000
#: An order dated further ahead than this (ms) is a clock gone wrong.
_AHEAD_MOST_MS = 60_000
#: A slot that came this long (ms) before a dispatcher was last heard had been ordered: if not here, of another worker.
_ORDERED_MS = 5_000
#: Monitors remembered.
_MOST = 200_000


@dataclass(slots=True)
class StandingOrder:
    """The check for each slot of one monitor, and the last slots that were ordered."""

    check: Check
    #: Of any worker of the region, as far as this one knows.
    last_ms: int
    #: Of this worker; 0: none.
    given_ms: int

    def slot_after(self, at_ms: int) -> int:
        """The first slot after a moment."""
        every_ms = self.check.every_ms
        return at_ms + every_ms - (at_ms - self.check.at_ms) % every_ms

    def at(self, slot_ms: int) -> Check:
        late_ms = min(self.check.every_ms, _LATEST_START_MS)
        return replace(self.check, at_ms=slot_ms, expires_ms=slot_ms + late_ms)


class StandingOrders:
    """Remembers scheduled orders as they come; `stand_alone` begins to repeat them, `follow` ends that."""

    def __init__(self) -> None:
        self._standing: dict[str, StandingOrder] = {}
        self._agenda: list[tuple[int, str]] = []
        #: When a dispatcher was last heard, and since when without a silence.
        self._heard_ms = self._heard_since_ms = 0
        #: What the clock said when slots were last asked for.
        self._asked_ms = 0
        #: Monitors whose orders changed since this was last emptied.
        self.changed: set[str] = set()

    def __len__(self) -> int:
        return len(self._standing)

    def hear(self, now_ms: int) -> None:
        """A dispatcher is heard. After a silence no monitor is over before it could be ordered again."""
        if now_ms - self._heard_ms > _LATE_MS:
            self._heard_since_ms = now_ms
        self._heard_ms = now_ms

    def note(self, check: Check, now_ms: int, here: bool = True) -> None:
        """Remember an order of dispatch, unless it has no interval or is dated far ahead of the clock.

        `here`: this worker was given it; else another of its region was, which repeats it as long as it is there.
        """
        if check.every_ms <= 0 or check.round or check.at_ms > now_ms + _AHEAD_MOST_MS:
            return
        known = self._standing.get(check.monitor)
        if known is None and len(self._standing) >= _MOST:
            return
        given_ms = check.at_ms if here else 0
        if known is not None:
            given_ms = known.given_ms = max(known.given_ms, given_ms)
            if check.at_ms < known.last_ms:
                return
            known.last_ms = check.at_ms
            if _same(known.check, check):
                return
        # A copy, or it would keep the whole message that it came in.
        self._standing[check.monitor] = StandingOrder(replace(check, spec=check.spec.copy()), check.at_ms, given_ms)
        self.changed.add(check.monitor)

    def others(self) -> set[str]:
        """The monitors whose last order another worker of the region was given."""
        return {monitor for monitor, one in self._standing.items() if one.given_ms < one.last_ms}

    def restore(self, checks: Iterable[Check], heard_ms: int, others: Collection[str] = ()) -> None:
        """Load the orders stored before a restart by a worker that last heard a dispatcher at `heard_ms`.

        `others` are those of them that another worker of the region was given.
        """
        self._heard_ms = heard_ms
        for check in checks:
            if check.every_ms > 0 and check.monitor not in self._standing and len(self._standing) < _MOST:
                standing = StandingOrder(check, 0, 0)
                standing.last_ms = standing.slot_after(heard_ms) - check.every_ms
                standing.given_ms = 0 if check.monitor in others else standing.last_ms
                self._standing[check.monitor] = standing

    def stand_alone(self, heard_ms: int, now_ms: int, shared: bool = False) -> int:
        """Begin to repeat the orders that held when a dispatcher was last heard; returns their number.

        Of several workers that share a region, the one that was given the last order of a monitor repeats it.
        """
        self._agenda = []
        if now_ms - heard_ms > STANDING_MOST_MS:
            return 0
        held = [monitor for monitor in self._standing if not self._is_over(monitor, heard_ms)]
        self._plan([monitor for monitor in held if not shared or self._is_own(monitor, heard_ms)], now_ms)
        self._asked_ms = now_ms
        return len(self._agenda)

    def follow(self) -> None:
        """Dispatch gives orders again."""
        self._agenda = []

    def take_due(self, now_ms: int, ahead_ms: int = 0) -> Iterator[Check]:
        """The checks of every slot until `ahead_ms` from now that were not taken yet."""
        if now_ms < self._asked_ms - _BACK_MS:
            # The clock was ahead, and has passed over slots that are still to come. The last ones may be given twice:
            # the worker runs an order once.
            self._plan([monitor for _, monitor in self._agenda], now_ms - _BACK_MS)
        self._asked_ms = now_ms
        agenda = self._agenda
        while agenda and agenda[0][0] <= now_ms + ahead_ms:
            slot_ms, monitor = heapq.heappop(agenda)
            standing = self._standing[monitor]
            next_ms = standing.slot_after(max(slot_ms, now_ms - _BACK_MS))
            heapq.heappush(agenda, (next_ms, monitor))
            if slot_ms >= now_ms - _BACK_MS:
                yield standing.at(slot_ms)

    def dismiss(self) -> None:
        """Forget all orders."""
        self._standing.clear()
        self._agenda = []
        self.changed.clear()

    def forget(self, heard_ms: int) -> list[str]:
        """Drop orders that were too old when a dispatcher was last heard; returns their monitors."""
        over = [monitor for monitor in self._standing if self._is_over(monitor, heard_ms)]
        for monitor in over:
            del self._standing[monitor]
            self.changed.discard(monitor)
        return over

    def take_changed(self) -> list[Check]:
        """The orders that changed since the last call; a caller that cannot store them puts them back."""
        changed, self.changed = self.changed, set()
        return [self._standing[monitor].check for monitor in changed if monitor in self._standing]

    def put_back(self, checks: Iterable[Check]) -> None:
        """These changes were not stored."""
        self.changed |= {check.monitor for check in checks if check.monitor in self._standing}

    def _plan(self, monitors: Iterable[str], from_ms: int) -> None:
        self._agenda = [(self._standing[monitor].slot_after(from_ms), monitor) for monitor in monitors]
        heapq.heapify(self._agenda)

    def _is_own(self, monitor: str, heard_ms: int) -> bool:
        """Whether no other worker was given a later order. After a silence none may have been, yet."""
        standing = self._standing[monitor]
        if not 0 < standing.given_ms >= standing.last_ms:
            return False
        next_ms = standing.slot_after(max(standing.given_ms, self._heard_since_ms))
        return next_ms > heard_ms - _ORDERED_MS

    def _is_over(self, monitor: str, heard_ms: int) -> bool:
        standing = self._standing[monitor]
        ordered_ms = max(standing.last_ms, self._heard_since_ms)
        return ordered_ms + INTERVALS_WITHOUT * standing.check.every_ms + _LATE_MS < heard_ms


def _same(known: Check, check: Check) -> bool:
    """Whether two orders of a monitor differ in nothing but their slot."""
    return (
        known.revision == check.revision
        and known.every_ms == check.every_ms
        and known.timeout_ms == check.timeout_ms
        and known.sealed == check.sealed
        and (check.at_ms - known.at_ms) % check.every_ms == 0
        and known.kind == check.kind
        and bytes(known.spec) == bytes(check.spec)
    )

"""Soft limits: when an answer is overdue, from the usual duration of each monitor here. Pure; bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from math import exp

from probes.checks.running_median import Tracked, learned
from probes.reasons import Status
from probes.wire import Check, Result

#: Before this many passes nothing is known, and the order's own limit holds.
ENOUGH = 30
#: An answer is overdue this far out of its usual spread: it happens once in many months to a target that is well.
SIGMAS = 6.0
_SIGMA_PER_MAD = 1.4826
#: Nothing is overdue sooner than this, however fast it usually is (ms): a lost packet alone costs as much.
SOONEST_MS = 500


class SoftLimits:
    """What this worker has seen pass, by monitor; the one not seen for longest is forgotten first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[str, tuple[int, Tracked]] = OrderedDict()

    def note(self, result: Result) -> None:
        """Learn from a scheduled pass; failures are left out."""
        if result.status is not Status.UP or result.round or not result.phases.total_us:
            return
        revision, tracked = self._known.get(result.monitor, (result.revision, None))
        if revision != result.revision:
            tracked = None
        self._known[result.monitor] = result.revision, learned(tracked, result.phases.total_us)
        self._known.move_to_end(result.monitor)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def soft_ms(self, check: Check) -> int:
        """After how long (ms) this check is overdue: as learned, else as ordered; 0 for never."""
        known = self._known.get(check.monitor)
        if not check.soft_ms or known is None or known[0] != check.revision or known[1][0] < ENOUGH:
            return check.soft_ms
        _, median, spread = known[1]
        usual_ms = exp(min(median + SIGMAS * _SIGMA_PER_MAD * spread, 25.0)) / 1000
        soft_ms = max(SOONEST_MS, round(usual_ms))
        return soft_ms if soft_ms < check.timeout_ms else 0

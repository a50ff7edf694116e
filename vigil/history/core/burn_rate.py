"""How fast an error budget burns, and what is said of it: the multiwindow, multi-burn-rate rule. Pure.

A burn rate of 1 uses the budget up exactly at the end of the objective's window. Each pace has a long window, which
makes it mean something, and a short one of a twelfth of it, which ends it soon after the trouble does. Over 30 days the
thresholds are the usual 14.4, 6 and 1: 2 % of the budget within an hour, 5 % within six, 10 % within three days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vigil.history.core.uptime import Span, Uptime
from vigil.incidents.core.model import Step, StepReason

HOUR_S, DAY_S = 3_600, 86_400


class BurnPace(StrEnum):
    """How fast a budget burns, the fastest first."""

    FAST = "fast"
    STEADY = "steady"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class PaceRule:
    """A pace holds while both windows have burnt faster than would use up `part` of the budget in the long one."""

    pace: BurnPace
    reason: StepReason
    long_s: int
    short_s: int
    part: float

    def threshold(self, window_s: int) -> float:
        """The burn rate that is too fast; never less than 1, which the budget can bear."""
        return max(1.0, self.part * window_s / self.long_s)


RULES = (
    PaceRule(BurnPace.FAST, StepReason.BURNING_FAST, HOUR_S, HOUR_S // 12, 0.02),
    PaceRule(BurnPace.STEADY, StepReason.BURNING_STEADILY, 6 * HOUR_S, HOUR_S // 2, 0.05),
    PaceRule(BurnPace.SLOW, StepReason.BURNING_SLOWLY, 3 * DAY_S, 6 * HOUR_S, 0.10),
)
#: Every length of time that is looked at, beside the objective's own window.
LENGTHS_S = sorted({length for rule in RULES for length in (rule.long_s, rule.short_s)})


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """The error budget of a window: what may be down of the counted time, and what was."""

    allowed_s: float
    spent_s: int

    @property
    def left(self) -> float:
        """The part that is left; negative when more was spent than there was, and 1 while nothing counts."""
        if self.allowed_s > 0:
            return 1 - self.spent_s / self.allowed_s
        return 1.0 if not self.spent_s else -1.0


@dataclass(frozen=True, slots=True)
class BurnChange:
    """The next step of an objective's incident."""

    step: Step
    reason: StepReason


def budget(target: float, uptime: Uptime) -> ErrorBudget:
    """The budget of a target (0 to 1) over a window: excluded time and maintenance neither earn nor spend any."""
    return ErrorBudget((1 - target) * (uptime.up_s + uptime.down_s), uptime.down_s)


def rate(target: float, uptime: Uptime, length_s: int) -> float:
    """How many times too fast the budget burnt over the last `length_s`; what did not count burnt nothing."""
    return uptime.down_s / length_s / (1 - target)


def pace(window_s: int, rates: Mapping[int, float]) -> PaceRule | None:
    """The fastest pace that holds, given the burn rate over each of `LENGTHS_S`."""
    for rule in RULES:
        if min(rates[rule.long_s], rates[rule.short_s]) > rule.threshold(window_s):
            return rule
    return None


def change(before: BurnPace | None, now: PaceRule | None) -> BurnChange | None:
    """What to write when a budget burns at another pace than was told; None when it does not."""
    if now is None:
        return BurnChange(Step.RESOLVED, StepReason.BURN_OVER) if before else None
    if before is None:
        return BurnChange(Step.OPENED, now.reason)
    order = list(BurnPace)
    if now.pace is before:
        return None
    faster = order.index(now.pace) < order.index(before)
    return BurnChange(Step.CHANGED if faster else Step.NOTE, now.reason)


def windows(end_s: int, lengths_s: Sequence[int]) -> dict[int, Span]:
    """The last so many seconds before a moment."""
    return {length: (end_s - length, end_s) for length in lengths_s}

"""Burn rate of an error budget: multiwindow, multi-burn-rate alerting. Pure.

A burn rate of 1 spends the budget exactly at the end of the window. Each pace has a long window for significance, and a
short one (a twelfth) for a fast reset. Over 30 days the thresholds are 14.4, 6 and 1: 2 % of the budget in an hour, 5 %
in six hours, 10 % in three days (Google's SRE workbook, chapter 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vigil.history.core.uptime import Span, Uptime
from vigil.incidents.core.model import Step, StepReason

HOUR_S, DAY_S = 3_600, 86_400


class BurnPace(StrEnum):
    """Pace of a burning budget, fastest first."""

    FAST = "fast"
    STEADY = "steady"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class PaceRule:
    """A pace holds while both windows burn faster than spends `part` of the budget in the long one."""

    pace: BurnPace
    reason: StepReason
    long_s: int
    short_s: int
    part: float

    def threshold(self, window_s: int) -> float:
        """Burn rate threshold; at least 1, which the budget can sustain."""
        return max(1.0, self.part * window_s / self.long_s)


RULES = (
    PaceRule(BurnPace.FAST, StepReason.BURNING_FAST, HOUR_S, HOUR_S // 12, 0.02),
    PaceRule(BurnPace.STEADY, StepReason.BURNING_STEADILY, 6 * HOUR_S, HOUR_S // 2, 0.05),
    PaceRule(BurnPace.SLOW, StepReason.BURNING_SLOWLY, 3 * DAY_S, 6 * HOUR_S, 0.10),
)
#: All windows, besides the objective's own.
LENGTHS_S = sorted({length for rule in RULES for length in (rule.long_s, rule.short_s)})


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Error budget of a window: allowed downtime of the counted time, and actual downtime."""

    allowed_s: float
    spent_s: int

    @property
    def left(self) -> float:
        """Remaining part; negative when overspent, 1 while no time counts."""
        if self.allowed_s > 0:
            return 1 - self.spent_s / self.allowed_s
        return 1.0 if not self.spent_s else -1.0


@dataclass(frozen=True, slots=True)
class BurnChange:
    """Next step of an objective's incident."""

    step: Step
    reason: StepReason


def budget(target: float, uptime: Uptime) -> ErrorBudget:
    """Budget of a target (0 to 1) over a window; excluded time and maintenance do not count."""
    return ErrorBudget((1 - target) * (uptime.up_s + uptime.down_s), uptime.down_s)


def rate(target: float, uptime: Uptime, length_s: int) -> float:
    """Burn rate over the last `length_s`; uncounted time burns nothing."""
    return uptime.down_s / length_s / (1 - target)


def pace(window_s: int, rates: Mapping[int, float]) -> PaceRule | None:
    """Fastest pace that holds, given the burn rate over each of `LENGTHS_S`."""
    for rule in RULES:
        if min(rates[rule.long_s], rates[rule.short_s]) > rule.threshold(window_s):
            return rule
    return None


def change(before: BurnPace | None, now: PaceRule | None) -> BurnChange | None:
    """Step to write when the pace differs from the one alerted; None if it does not."""
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
    """Windows before a moment, by length in seconds."""
    return {length: (end_s - length, end_s) for length in lengths_s}

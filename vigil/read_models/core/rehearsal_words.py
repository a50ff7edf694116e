"""Words of a rehearsal: how often another sensitivity would have paged, and how short those were. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from vigil.backtest.core.law import BacktestPage
from vigil.read_models.core.figures import length

#: A page that ended this soon was hardly worth a call.
SHORT_S = 60
_NUMBERS = ("None", "One", "Two", "Three", "Four", "Five")


def in_words(sensitivity: str, days: int, now: Sequence[BacktestPage], then: Sequence[BacktestPage]) -> str:
    """`Under high, 30 days would have paged 3 times instead of 1. Two of them ended within 40 s.`"""
    span = f"Under {sensitivity}, {_count(days, 'day')} would"
    first = f"{span} have paged {_times(len(then))} instead of {len(now)}."
    if len(then) == len(now):
        first = f"{span} have paged {_times(len(then))}, as now." if then else f"{span} not have paged, as now."
    elif not then:
        first = f"{span} not have paged. Now they page {_times(len(now))}."
    lasted = [page.resolved_ms - page.opened_ms for page in then if page.resolved_ms]
    brief = [ms for ms in lasted if ms <= SHORT_S * 1000]
    if not brief:
        return first
    number = _NUMBERS[len(brief)] if len(brief) < len(_NUMBERS) else str(len(brief))
    return f"{first} {number} of them ended within {length(timedelta(milliseconds=max(brief)))}."


def days_within(most_checks: int, interval_s: int, regions: int, most_days: int = 30) -> int:
    """How many days of a monitor's checks are so many at most; at least one."""
    a_day = 86_400 / max(1, interval_s) * max(1, regions)
    return max(1, min(most_days, int(most_checks / a_day)))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"

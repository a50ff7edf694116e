"""Burn rates: which pace holds, what is written when it changes; budgets add up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.history.core import burn_rate
from vigil.history.core.burn_rate import DAY_S, HOUR_S, LENGTHS_S, RULES, BurnChange, BurnPace, ErrorBudget
from vigil.history.core.uptime import Uptime, UptimeSpans, account, settle
from vigil.incidents.core.model import Step, StepReason

MONTH_S = 30 * DAY_S
NOW = 1_900_000_000


def pace_after(down: list[tuple[int, int]], target: float = 0.999, window_s: int = MONTH_S) -> BurnPace | None:
    """The pace at NOW, after outages given as so many seconds before it, from and to."""
    story = settle(UptimeSpans(down=[(NOW - start, NOW - end) for start, end in down]))
    spans = burn_rate.windows(NOW, LENGTHS_S)
    rates = {length: burn_rate.rate(target, account(story, spans[length]), length) for length in LENGTHS_S}
    rule = burn_rate.pace(window_s, rates)
    return rule.pace if rule else None


def test_the_thresholds_of_thirty_days_are_the_usual_ones() -> None:
    assert [round(rule.threshold(MONTH_S), 6) for rule in RULES] == [14.4, 6.0, 1.0]
    assert [rule.long_s // rule.short_s for rule in RULES] == [12, 12, 12]


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        ([], None),
        # An hour of 99.9 % may be down for 3.6 s; at 14.4 times that, 51.8 s.
        ([(51, 0)], None),
        ([(53, 0)], BurnPace.FAST),
        # It ended more than five minutes ago: it wakes no person any more.
        ([(600, 301)], BurnPace.STEADY),
        ([(3 * HOUR_S, 3 * HOUR_S - 300)], BurnPace.SLOW),
        # Two minutes in six hours, of which some now.
        ([(5 * HOUR_S, 5 * HOUR_S - 100), (40, 0)], BurnPace.STEADY),
        # Five minutes in three days, of which half a minute in the last six hours.
        ([(2 * DAY_S, 2 * DAY_S - 270), (2 * HOUR_S, 2 * HOUR_S - 30)], BurnPace.SLOW),
        ([(2 * DAY_S, 2 * DAY_S - 300)], None),
        # What is long past is spent, and burns no more.
        ([(20 * DAY_S, 20 * DAY_S - 5_000)], None),
    ],
)
def test_the_pace_follows_both_windows(down: list[tuple[int, int]], expected: BurnPace | None) -> None:
    assert pace_after(down) is expected


def test_a_short_window_never_calls_a_rate_too_fast_that_it_can_bear() -> None:
    assert all(rule.threshold(3 * DAY_S) >= 1 for rule in RULES)


rates = st.fixed_dictionaries({length: st.floats(0, 100) for length in LENGTHS_S})


@given(rates, rates, st.integers(3, 90))
def test_burning_faster_never_means_a_slower_pace(one: dict[int, float], more: dict[int, float], days: int) -> None:
    order = [*BurnPace, None]
    faster = {length: max(one[length], more[length]) for length in one}
    before, after = burn_rate.pace(days * DAY_S, one), burn_rate.pace(days * DAY_S, faster)
    assert order.index(after.pace if after else None) <= order.index(before.pace if before else None)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (None, None, None),
        (None, BurnPace.SLOW, BurnChange(Step.OPENED, StepReason.BURNING_SLOWLY)),
        (BurnPace.SLOW, BurnPace.SLOW, None),
        (BurnPace.SLOW, BurnPace.FAST, BurnChange(Step.CHANGED, StepReason.BURNING_FAST)),
        (BurnPace.FAST, BurnPace.STEADY, BurnChange(Step.NOTE, StepReason.BURNING_STEADILY)),
        (BurnPace.FAST, None, BurnChange(Step.RESOLVED, StepReason.BURN_OVER)),
    ],
)
def test_every_change_of_pace_is_one_step(
    before: BurnPace | None, now: BurnPace | None, expected: BurnChange | None
) -> None:
    rule = next((rule for rule in RULES if rule.pace is now), None)
    assert burn_rate.change(before, rule) == expected


def test_a_budget_is_of_the_time_that_counts() -> None:
    found = burn_rate.budget(0.99, Uptime(up_s=9_900, down_s=100, excluded_s=5_000, maintenance_s=70))
    assert round(found.allowed_s) == 100 and found.spent_s == 100 and abs(found.left) < 1e-9
    assert ErrorBudget(50.0, 100).left == -1.0 and ErrorBudget(0.0, 0).left == 1.0


def test_a_burn_of_one_spends_the_budget_exactly() -> None:
    allowed = burn_rate.budget(0.999, Uptime(up_s=MONTH_S)).allowed_s
    down_s = round(timedelta(seconds=allowed).total_seconds())
    assert round(burn_rate.rate(0.999, Uptime(MONTH_S - down_s, down_s), MONTH_S), 6) == 1.0

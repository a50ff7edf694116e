"""Budget account of a canary: whatever is lost, repeated or made up, a month never costs more than its budget."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.ai.prices import Price
from probes.reasons import Reason, Status
from probes.wire import WIRE_VERSION, Phases, Result
from vigil.canaries.core.budget import (
    LAPSES_AFTER_MS,
    NEAR_MS,
    RESERVED_MOST,
    BudgetAccount,
    BudgetLimit,
    ReserveReason,
    is_near,
    is_stopped,
    month_after,
    reserve,
    settle,
)
from vigil.canaries.core.wording import stopped_text

LIMIT = BudgetLimit(budget=100, answer=30)
PRICE = Price(0.001, 0.001)
MONTH, NEXT = "2026-11", "2026-12"


def result(slot_ms: int, **more: Any) -> Result:
    given = {"status": Status.UP, "reason": Reason.OK, "attempts": 1, "code": 200, "facts": {}, **more}
    return Result(
        WIRE_VERSION, "mon_a", slot_ms, given["status"], given["reason"], slot_ms, Phases(), f"can_{slot_ms}", 0,
        given["attempts"], given["code"], "", given["facts"],
    )  # fmt: skip


def counted(slot_ms: int, input: Any, output: Any) -> Result:
    return result(slot_ms, facts={"input_tokens": input, "output_tokens": output})


def test_what_fits_is_granted_and_the_rest_stops_the_month() -> None:
    account = BudgetAccount()
    reasons = []
    for slot_ms in (1, 2, 3, 4):
        account, reason = reserve(account, slot_ms, "a", LIMIT, MONTH)
        reasons.append(reason)
        account = settle(account, "a", result(slot_ms), None) or account
    assert reasons == [ReserveReason.GRANTED] * 3 + [ReserveReason.BUDGET_SPENT]
    assert (account.spent, account.stopped) == (90, MONTH)
    account, reason = reserve(account, 5, "a", LIMIT, NEXT)
    assert (reason, account.spent, account.stopped) == (ReserveReason.GRANTED, 0, "")


def test_open_reservations_hold_the_budget_without_stopping_the_month() -> None:
    account = BudgetAccount()
    for slot_ms in (1, 2, 3):
        account, _ = reserve(account, slot_ms, "a", LIMIT, MONTH)
    account, reason = reserve(account, 4, "a", LIMIT, MONTH)
    assert (reason, account.stopped) == (ReserveReason.BUDGET_SPENT, "")
    settled = settle(account, "a", counted(2, 4, 1), PRICE)
    assert settled is not None
    assert (settled.spent, settled.committed) == (5, 65)
    assert reserve(settled, 5, "a", LIMIT, MONTH)[1] is ReserveReason.GRANTED


def test_a_slot_is_reserved_once_by_whichever_dispatcher() -> None:
    account, _ = reserve(BudgetAccount(), 5, "a", LIMIT, MONTH)
    for slot_ms in (5, 4):
        account, reason = reserve(account, slot_ms, "a", LIMIT, MONTH)
        assert reason is ReserveReason.ALREADY_RESERVED
    assert account.committed == 30


def test_what_never_comes_back_counts_as_spent() -> None:
    account, _ = reserve(BudgetAccount(), 1, "a", LIMIT, MONTH)
    account, _ = reserve(account, 2 + LAPSES_AFTER_MS, "a", LIMIT, MONTH)
    assert (account.spent, list(account.reserved)) == (30, [2 + LAPSES_AFTER_MS])
    assert settle(account, "a", counted(1, 1, 1), PRICE) is None


def test_a_raised_budget_ends_the_stop() -> None:
    account = BudgetAccount(month=MONTH, spent=90, stopped=MONTH)
    account, reason = reserve(account, 9, "a", BudgetLimit(1_000, 30), MONTH)
    assert (reason, account.stopped) == (ReserveReason.GRANTED, "")


def test_so_many_reservations_are_open_at_most() -> None:
    account = BudgetAccount()
    for slot_ms in range(1, RESERVED_MOST + 2):
        account, reason = reserve(account, slot_ms, "a", BudgetLimit(10**9, 1), MONTH)
    assert reason is ReserveReason.TOO_MANY_OPEN


@pytest.mark.parametrize(
    ("came", "cost"),
    [
        (counted(1, 10, 5), 15),
        (counted(1, 0, 0), 30),
        (counted(1, 12, 0), 30),
        (counted(1, 10, 5_000), 5_010),
        (counted(1, 10**12, 10**12), 30 + 32_768),
        (counted(1, -1, 5), 30),
        (counted(1, "10", 5), 30),
        (counted(1, True, 5), 30),
        (counted(1, 1.5, 5), 30),
        (result(1), 30),
        (result(1, facts={"not_sent": True}), 0),
        (result(1, facts={"not_sent": "yes"}), 30),
        (result(1, attempts=0, reason=Reason.RATE_LIMITED), 0),
        (result(1, attempts=0, reason=Reason.MISSED, status=Status.UNKNOWN), 30),
        (result(1, code=429, reason=Reason.RATE_LIMITED), 0),
        (result(1, code=500, reason=Reason.HTTP_5XX), 30),
        (result(1, code=408, reason=Reason.TIMEOUT), 30),
        (result(1, code=503, reason=Reason.OVERLOADED), 0),
        (result(1, code=529, reason=Reason.OVERLOADED), 0),
        (result(1, code=0, reason=Reason.TIMEOUT), 30),
    ],
)
def test_an_answer_costs_what_was_counted_else_the_most(came: Result, cost: int) -> None:
    account, _ = reserve(BudgetAccount(), 1, "a", LIMIT, MONTH)
    settled = settle(account, "a", came, PRICE)
    assert settled is not None
    assert (settled.spent, dict(settled.reserved)) == (cost, {})


def test_a_region_settles_only_what_it_was_asked_and_once() -> None:
    account, _ = reserve(BudgetAccount(), 1, "a", LIMIT, MONTH)
    assert settle(account, "b", counted(1, 0, 0), PRICE) is None
    assert settle(account, "a", counted(2, 0, 0), PRICE) is None
    settled = settle(account, "a", counted(1, 9, 9), PRICE)
    assert settled is not None
    assert settle(settled, "a", counted(1, 0, 0), PRICE) is None


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "settle", "again", "lost"]),
        st.integers(min_value=2, max_value=30),
        st.integers(min_value=0, max_value=LAPSES_AFTER_MS),
    ),
    max_size=60,
)


@given(steps=_STEPS)
@settings(max_examples=200, deadline=None)
def test_no_order_of_kills_duplicates_and_losses_spends_more_than_the_budget(steps: list[tuple[str, int, int]]) -> None:
    """The provider bills each order that was sent; what was granted is sent once, whatever then happens to it."""
    account, now_ms, sent, billed = BudgetAccount(), 0, dict[int, int](), 0
    for what, cost, ahead_ms in steps:
        now_ms += ahead_ms + 1
        if what == "reserve":
            account, reason = reserve(account, now_ms, "a", LIMIT, MONTH)
            if reason is ReserveReason.GRANTED:
                sent[now_ms] = cost
                billed += cost
        elif sent and what != "lost":
            slot_ms = max(sent) if what == "settle" else min(sent)
            account = settle(account, "a", counted(slot_ms, sent[slot_ms] - 1, 1), PRICE) or account
    assert billed <= account.committed <= LIMIT.budget


def test_a_clock_that_is_set_back_over_a_months_beginning_gives_no_second_budget() -> None:
    account = BudgetAccount(month=NEXT, spent=90)
    account, reason = reserve(account, 1, "a", LIMIT, MONTH)
    assert (reason, account.month, account.spent, account.stopped) == (ReserveReason.BUDGET_SPENT, NEXT, 90, NEXT)
    assert is_stopped(account, LIMIT, MONTH)


def test_a_clock_that_was_far_ahead_for_a_while_stops_nothing_until_then() -> None:
    far_ms = 10**11
    account, _ = reserve(BudgetAccount(), far_ms, "a", LIMIT, "2030-02")
    account = replace(account, spent=60)
    reasons = []
    for slot_ms in (1, 2 + NEAR_MS):
        account, reason = reserve(account, slot_ms, "a", LIMIT, NEXT)
        reasons.append(reason)
    assert reasons == [ReserveReason.ALREADY_RESERVED, ReserveReason.BUDGET_SPENT]
    # What was spent then is spent: of this month, or of the next.
    assert (account.spent, account.reserved, account.month, account.stopped) == (90, {}, "2027-01", "2027-01")
    assert reserve(account, 3 + NEAR_MS, "a", LIMIT, "2027-01")[1] is ReserveReason.BUDGET_SPENT
    assert reserve(account, 3 + NEAR_MS, "a", LIMIT, "2027-02")[1] is ReserveReason.GRANTED


@pytest.mark.parametrize(("month", "after"), [("2026-01", "2026-02"), ("2026-11", "2026-12"), ("2026-12", "2027-01")])
def test_the_month_after(month: str, after: str) -> None:
    assert month_after(month) == after


def test_only_a_slot_of_about_now_is_reserved() -> None:
    assert [is_near(now_ms, 10**12) for now_ms in (10**12, 10**12 + NEAR_MS, 10**12 - NEAR_MS - 1, 2 * 10**12)] == [
        True,
        True,
        False,
        False,
    ]


def test_a_stop_ends_with_its_month_or_with_a_larger_budget() -> None:
    account = BudgetAccount(month=MONTH, spent=90, stopped=MONTH)
    assert is_stopped(account, LIMIT, MONTH)
    assert not is_stopped(account, LIMIT, NEXT)
    assert not is_stopped(account, BudgetLimit(1_000, 30), MONTH)


def test_a_stop_says_which_budget_and_month() -> None:
    assert stopped_text(2_000_000_000, MONTH) == "stopped: budget of $2.00 for November spent"

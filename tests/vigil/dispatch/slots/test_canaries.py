"""Turns of canaries: one region an interval, paid for before it is sent, for once, and never twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import psycopg
import pytest
from django.db import OperationalError

from consensus.vocabulary import Sensitivity
from probes.wire import CANARY_KIND, Check, is_canary
from tests.waiting import until
from vigil.canaries.reserving import CanarySlot
from vigil.dispatch.core.plans import Plan, RegionPlan
from vigil.dispatch.slots.canaries import WAITING_MOST, CanaryTurns

REGIONS = ("ap", "eu", "us")
INTERVAL_S = 60


def plan(monitor: str = "mon_a") -> Plan:
    """As the catalogue makes it: each region has a turn every three intervals."""
    regions = tuple(RegionPlan(slug, slug) for slug in REGIONS)
    interval_ms = INTERVAL_S * 1000 * len(REGIONS)
    return Plan(monitor, CANARY_KIND, interval_ms, 10_000, b"\x80", regions, Sensitivity.NORMAL, 3)


class Cashier:
    """Grants what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[CanarySlot] = []
        self.refused = frozenset[str]()
        self.broken: Exception | None = None
        self.open = threading.Event()
        self.open.set()

    def reserve(self, slots: Sequence[CanarySlot]) -> list[bool]:
        self.open.wait(10)
        if self.broken is not None:
            raise self.broken
        self.asked += slots
        return [slot.monitor not in self.refused for slot in slots]


@pytest.fixture
def cashier() -> Cashier:
    return Cashier()


@pytest.fixture
def turns(cashier: Cashier) -> Iterator[CanaryTurns]:
    turns = CanaryTurns(cashier.reserve)
    yield turns
    turns.stop()


def asked(turns: CanaryTurns, seconds: range) -> list[tuple[str, Check]]:
    """The orders of these seconds, each waited for."""
    found = []
    for second in seconds:
        due = list(turns._wheel.due(second))
        turns.ask(second, lambda plan, region, at_ms: True)
        for _ in due:
            until(lambda: turns._granted.qsize(), "the reservation")
            found += turns.granted()
    return found


def test_the_regions_take_turns_one_in_each_interval(turns: CanaryTurns, cashier: Cashier) -> None:
    turns.put(plan())
    orders = asked(turns, range(1_000_000, 1_000_000 + 6 * INTERVAL_S))
    assert Counter(region for region, _ in orders) == {"ap": 2, "eu": 2, "us": 2}
    slots = [check.at_ms for _, check in orders]
    assert {later - earlier for earlier, later in pairwise(slots)} == {INTERVAL_S * 1000}
    assert [slot.at_ms for slot in cashier.asked] == slots
    assert {slot.revision for slot in cashier.asked} == {3}


def test_an_order_is_for_once_and_of_no_round_that_votes(turns: CanaryTurns) -> None:
    turns.put(plan())
    [(_, check), *_] = asked(turns, range(1_000_000, 1_000_000 + INTERVAL_S))
    assert is_canary(check.round)
    assert (check.every_ms, check.soft_ms, check.look, check.revision) == (0, 0, 0, 3)


def test_what_is_not_paid_for_is_not_sent(turns: CanaryTurns, cashier: Cashier) -> None:
    cashier.refused = frozenset({"mon_a"})
    turns.put(plan())
    for second in range(1_000_000, 1_000_000 + INTERVAL_S):
        turns.ask(second, lambda plan, region, at_ms: True)
    until(lambda: cashier.asked, "the request")
    turns.stop()
    assert turns.granted() == []


def test_a_region_that_is_not_served_is_not_reserved_for(turns: CanaryTurns, cashier: Cashier) -> None:
    turns.put(plan())
    for second in range(1_000_000, 1_000_000 + INTERVAL_S):
        turns.ask(second, lambda plan, region, at_ms: False)
    assert cashier.asked == []


@pytest.mark.parametrize("broken", [OperationalError("gone"), ValueError("a row that cannot be read")])
def test_without_a_reservation_nothing_is_sent_and_the_next_is_asked_for(
    turns: CanaryTurns, cashier: Cashier, broken: Exception
) -> None:
    if isinstance(broken, OperationalError):
        broken.__cause__ = psycopg.OperationalError("gone")
    cashier.broken = broken
    turns.put(plan())
    for second in range(1_000_000, 1_000_000 + INTERVAL_S):
        turns.ask(second, lambda plan, region, at_ms: True)
    cashier.broken = None
    orders = asked(turns, range(1_000_000 + INTERVAL_S, 1_000_000 + 3 * INTERVAL_S))
    assert len(orders) <= 3
    assert {check.monitor for _, check in orders} == {"mon_a"}


def test_a_database_that_hangs_holds_up_no_second_and_fills_no_memory(turns: CanaryTurns, cashier: Cashier) -> None:
    cashier.open.clear()
    turns.put(plan())
    for _ in range(3 * WAITING_MOST):
        for second in range(1_000_000, 1_000_000 + INTERVAL_S):
            turns.ask(second, lambda plan, region, at_ms: True)
    assert turns._asked.qsize() <= WAITING_MOST
    cashier.open.set()


def test_a_removed_canary_asks_nothing(turns: CanaryTurns, cashier: Cashier) -> None:
    turns.put(plan())
    turns.remove("mon_a")
    assert asked(turns, range(1_000_000, 1_000_000 + 3 * INTERVAL_S)) == []
    assert cashier.asked == []

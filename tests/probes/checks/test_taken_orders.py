"""The window of the orders that were taken."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from probes.checks.taken_orders import TakenOrders

WITHIN_S = 600.0
steps = st.lists(st.tuples(st.integers(0, 9), st.floats(0, 400)), max_size=60)


def order(number: int) -> tuple[str, int, str, int]:
    return f"mon_{number:032}", 1_796_000_000_000 + number, "", 0


@given(steps)
def test_an_order_is_taken_once_within_the_time_and_anew_after_twice_that(comes: list[tuple[int, float]]) -> None:
    taken, now_s, last_taken_s = TakenOrders(WITHIN_S, 1_000), 1_000.0, dict[int, float]()
    for number, later_s in comes:
        now_s += later_s
        ago_s = now_s - last_taken_s.get(number, -1e9)
        is_new = taken.take(order(number), now_s)
        if ago_s < WITHIN_S:
            assert not is_new
        if ago_s > 2 * WITHIN_S + 400:
            assert is_new
        if is_new:
            last_taken_s[number] = now_s


def test_of_more_than_it_may_hold_the_oldest_are_forgotten() -> None:
    taken = TakenOrders(WITHIN_S, 100)
    assert all(taken.take(order(number), 1.0) for number in range(1_000))
    assert len(taken) <= 100
    assert not any(taken.take(order(number), 1.0) for number in range(950, 1_000))


def test_orders_are_forgotten_once_none_can_come_again_so_that_memory_follows_what_is_watched() -> None:
    taken = TakenOrders(WITHIN_S, 1_000)
    for number in range(50):
        taken.take(order(number), 0.0)
    taken.take(order(50), WITHIN_S)
    taken.take(order(51), 2 * WITHIN_S)
    assert len(taken) == 2


def test_an_order_costs_about_a_hundred_bytes_at_most() -> None:
    taken = TakenOrders(WITHIN_S, 1_000_000)
    tracemalloc.start()
    try:
        for number in range(100_000):
            taken.take(order(number), 0.0)
        assert tracemalloc.get_traced_memory()[0] / 100_000 < 110
    finally:
        tracemalloc.stop()

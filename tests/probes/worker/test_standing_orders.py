"""The orders a region goes on with: which slots, which monitors, and until when."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given
from hypothesis import strategies as some

from probes import wire
from probes.wire import Check
from probes.worker.standing_orders import STANDING_MOST_MS, StandingOrders

NOW = 1_800_000_000_000
MINUTE = 60_000


def order(monitor: str, at_ms: int, every_ms: int = MINUTE, **more: object) -> Check:
    fields = {"spec": msgspec.Raw(b"\x80"), "every_ms": every_ms, "revision": 1, **more}
    return Check(1, monitor, "http", at_ms, at_ms + min(every_ms, 30_000), 10_000, **fields)  # type: ignore[arg-type]


def slots(orders: StandingOrders, now_ms: int) -> list[tuple[str, int]]:
    return [(check.monitor, check.at_ms - NOW) for check in orders.take_due(now_ms)]


def test_the_slots_of_dispatch_go_on_and_none_is_asked_for_twice() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW + 5_000), NOW + 10 * MINUTE)
    orders.note(order("mon_b", NOW + 7_000, every_ms=20_000), NOW + 10 * MINUTE)
    assert orders.stand_alone(NOW + 10_000, NOW + 40_000) == 2
    assert slots(orders, NOW + 40_000) == []
    taken = [slot for second in range(40, 130) for slot in slots(orders, NOW + second * 1000)]
    assert sorted(taken) == [
        ("mon_a", 65_000), ("mon_a", 125_000),
        ("mon_b", 47_000), ("mon_b", 67_000), ("mon_b", 87_000), ("mon_b", 107_000), ("mon_b", 127_000),
    ]  # fmt: skip


def test_a_check_of_its_own_is_the_one_that_dispatch_would_have_sent() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW, sealed=b"box"), NOW + 10 * MINUTE)
    orders.stand_alone(NOW, NOW)
    assert list(orders.take_due(NOW + MINUTE)) == [order("mon_a", NOW + MINUTE, sealed=b"box")]


def test_who_was_ordered_no_more_while_others_were_is_not_looked_at() -> None:
    orders = StandingOrders()
    orders.note(order("mon_deleted", NOW), NOW + 10 * MINUTE)
    orders.note(order("mon_rare", NOW, every_ms=60 * MINUTE), NOW + 10 * MINUTE)
    orders.note(order("mon_a", NOW + 5 * MINUTE), NOW + 10 * MINUTE)
    assert orders.stand_alone(NOW + 5 * MINUTE, NOW + 6 * MINUTE) == 2
    assert {monitor for monitor, _ in slots(orders, NOW + 7 * MINUTE)} == {"mon_a"}
    assert orders.forget(NOW + 5 * MINUTE) == ["mon_deleted"]
    assert len(orders) == 2


def test_two_workers_that_share_a_region_repeat_each_monitor_once() -> None:
    both, chance = (StandingOrders(), StandingOrders()), random.Random(5)
    names = [f"mon_{number}" for number in range(60)]
    for slot in range(3):
        for number, name in enumerate(names):
            # A queue gives each order to one of them.
            taker = both[chance.randrange(2)]
            at_ms = NOW + slot * MINUTE + number * 1_000
            taker.note(order(name, at_ms), at_ms)
            taker.hear(at_ms)
    heard_ms = NOW + 3 * MINUTE
    kept = []
    for orders in both:
        orders.stand_alone(heard_ms, heard_ms + MINUTE, shared=True)
        kept.append(turns(orders, heard_ms + MINUTE))
    assert kept[0] | kept[1] == set(names)
    # But for those whose slot had come just before: an order of it may still have been on its way.
    assert kept[0] & kept[1] <= set(names[56:])
    assert 10 < len(kept[0]) < 50
    both[0].stand_alone(heard_ms, heard_ms + 3 * MINUTE, shared=False)
    assert turns(both[0], heard_ms + 3 * MINUTE) > kept[0], "the other is gone"


def test_either_of_two_workers_takes_all_though_the_queue_gave_each_monitor_to_the_same_one_every_time() -> None:
    both, names = (StandingOrders(), StandingOrders()), [f"mon_{number}" for number in range(40)]
    told: list[tuple[StandingOrders, Check]] = []
    for second in range(5 * 60):
        at_ms = NOW + second * 1_000
        if second % 60 < len(names):
            number = second % 60
            revision = 1 if second < 60 else 2
            given = order(names[number], at_ms, revision=revision)
            both[number % 2].note(given, at_ms)
            told.append((both[1 - number % 2], given))
        for orders in both:
            orders.hear(at_ms)
        while second % 10 == 9 and told:
            there, given = told.pop(0)
            there.note(given, at_ms, here=False)
    heard_ms = NOW + 5 * MINUTE
    for number, orders in enumerate(both):
        assert orders.forget(heard_ms) == []
        orders.stand_alone(heard_ms, heard_ms + MINUTE, shared=True)
        assert turns(orders, heard_ms + MINUTE) == set(names[number::2]), "its own while the other is there"
        orders.stand_alone(heard_ms, heard_ms + 3 * MINUTE, shared=False)
        assert {check.revision for check in taken(orders, heard_ms + 3 * MINUTE)} == {2}
        orders.stand_alone(heard_ms, heard_ms + 6 * MINUTE, shared=False)
        assert turns(orders, heard_ms + 6 * MINUTE) == set(names), "and all of them when it is gone"


def test_what_another_worker_was_given_of_monitors_that_are_watched_no_more_ends_with_them() -> None:
    orders = StandingOrders()
    orders.note(order("mon_deleted", NOW), NOW, here=False)
    assert len(orders) == 1
    assert orders.forget(NOW + 5 * MINUTE) == ["mon_deleted"]


def test_orders_of_another_worker_that_are_for_once_or_dated_far_ahead_change_nothing() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW), NOW)
    for told in (
        order("mon_b", NOW, every_ms=0),
        order("mon_c", NOW + 60 * MINUTE),
        order("mon_a", NOW + 60 * MINUTE, revision=9),
        order("mon_a", NOW - MINUTE, revision=9),
    ):
        orders.note(told, NOW, here=False)
    orders.stand_alone(NOW, NOW, shared=True)
    assert [(check.monitor, check.revision) for check in orders.take_due(NOW + MINUTE)] == [("mon_a", 1)]


def test_to_be_told_of_an_order_of_ones_own_leaves_it_ones_own() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW), NOW)
    orders.note(order("mon_a", NOW), NOW, here=False)
    assert orders.others() == set()
    orders.note(order("mon_a", NOW + MINUTE), NOW + MINUTE, here=False)
    assert orders.others() == {"mon_a"}
    orders.note(order("mon_a", NOW + 2 * MINUTE), NOW + 2 * MINUTE)
    assert orders.others() == set()


def test_after_a_restart_what_the_other_worker_was_given_is_still_left_to_it_while_it_is_there() -> None:
    before = StandingOrders()
    before.note(order("mon_own", NOW), NOW)
    before.note(order("mon_other", NOW + 1_000), NOW, here=False)
    again = StandingOrders()
    again.restore(before.take_changed(), NOW + 10_000, before.others())
    assert again.others() == {"mon_other"}
    again.stand_alone(NOW + 10_000, NOW + MINUTE, shared=True)
    assert turns(again, NOW + MINUTE) == {"mon_own"}
    again.stand_alone(NOW + 10_000, NOW + 3 * MINUTE, shared=False)
    assert turns(again, NOW + 3 * MINUTE) == {"mon_own", "mon_other"}


def taken(orders: StandingOrders, begin_ms: int) -> list[Check]:
    """The checks of a minute."""
    return [check for second in range(62) for check in orders.take_due(begin_ms + second * 1_000)]


def turns(orders: StandingOrders, begin_ms: int) -> set[str]:
    """The monitors that have a slot within a minute."""
    return {monitor for second in range(62) for monitor, _ in slots(orders, begin_ms + second * 1_000)}


def test_a_second_cut_soon_after_the_first_finds_every_monitor_that_dispatch_had_no_time_to_order_again() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW), NOW)
    orders.note(order("mon_b", NOW + 30_000), NOW)
    orders.hear(NOW + 40_000)
    orders.stand_alone(NOW + 40_000, NOW + 70_000)
    for second in range(71, 560):
        slots(orders, NOW + second * 1000)
    orders.follow()
    orders.note(order("mon_b", NOW + 9 * MINUTE + 30_000), NOW + 9 * MINUTE)
    orders.hear(NOW + 9 * MINUTE)
    heard_ms = NOW + 9 * MINUTE + 40_000
    orders.hear(heard_ms)
    assert orders.forget(heard_ms) == []
    assert orders.stand_alone(heard_ms, heard_ms + 30_000) == 2


def test_after_seven_days_without_word_it_stops() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW), NOW + 10 * MINUTE)
    assert orders.stand_alone(NOW, NOW + STANDING_MOST_MS) == 1
    assert orders.stand_alone(NOW, NOW + STANDING_MOST_MS + 1) == 0
    assert slots(orders, NOW + STANDING_MOST_MS + MINUTE) == []


def test_after_a_pause_of_ones_own_what_was_slept_through_is_passed_over() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW), NOW + 10 * MINUTE)
    orders.stand_alone(NOW, NOW + 1)
    assert slots(orders, NOW + 60 * MINUTE + 10_000) == []
    assert slots(orders, NOW + 61 * MINUTE) == [("mon_a", 61 * MINUTE)]


def test_the_newest_order_counts_whatever_comes_after_it() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW + MINUTE, revision=2, spec=msgspec.Raw(b"\x81\xa1a\x01")), NOW + 10 * MINUTE)
    orders.note(order("mon_a", NOW, revision=1), NOW + 10 * MINUTE)
    orders.stand_alone(NOW + MINUTE, NOW + MINUTE)
    assert [check.revision for check in orders.take_due(NOW + 2 * MINUTE)] == [2]


def test_a_word_of_dispatch_after_a_day_of_silence_ends_no_monitor() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW), NOW)
    orders.note(order("mon_rare", NOW, every_ms=60 * MINUTE), NOW)
    orders.hear(NOW)
    orders.stand_alone(NOW, NOW)
    heard_ms = NOW + 24 * 60 * MINUTE
    orders.follow()
    orders.hear(heard_ms)
    assert orders.forget(heard_ms) == []
    assert orders.stand_alone(heard_ms, heard_ms + 31_000) == 2


def test_a_worker_that_starts_while_dispatch_is_silent_gives_every_monitor_its_turn_when_dispatch_is_back() -> None:
    orders = StandingOrders()
    orders.restore([order("mon_a", NOW), order("mon_b", NOW + 30_000)], heard_ms=NOW + 40_000)
    for second in range(200, 230):
        orders.hear(NOW + second * 1000)
    orders.note(order("mon_b", NOW + 210_000), NOW + 210_000)
    assert orders.forget(NOW + 230_000) == []
    assert orders.stand_alone(NOW + 230_000, NOW + 260_000) == 2

    orders.note(order("mon_b", NOW + 330_000), NOW + 330_000)
    for second in range(230, 400):
        orders.hear(NOW + second * 1000)
    assert orders.forget(NOW + 400_000) == ["mon_a"]


def test_a_clock_that_was_ahead_for_a_moment_costs_no_slot() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW + 5_000), NOW)
    orders.note(order("mon_b", NOW + 40_000), NOW)
    orders.stand_alone(NOW, NOW)
    assert slots(orders, NOW + 6_000) == [("mon_a", 5_000)]
    assert slots(orders, NOW + 60 * MINUTE + 20_000) == []
    taken = [slot for second in range(9, 130) for slot in slots(orders, NOW + second * 1000)]
    assert taken == [("mon_b", 40_000), ("mon_a", 65_000), ("mon_b", 100_000), ("mon_a", 125_000)]


def test_an_order_that_is_dated_far_ahead_changes_nothing() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW), NOW)
    orders.note(order("mon_a", NOW + 365 * 24 * 60 * MINUTE, revision=9), NOW)
    orders.stand_alone(NOW, NOW)
    assert [check.revision for check in orders.take_due(NOW + MINUTE)] == [1]


def test_after_a_dismissal_nothing_stands() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW), NOW)
    orders.stand_alone(NOW, NOW)
    orders.dismiss()
    assert slots(orders, NOW + MINUTE) == [] and len(orders) == 0 and orders.take_changed() == []


def test_changes_that_could_not_be_kept_are_changes_still() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW), NOW)
    changed = orders.take_changed()
    orders.put_back(changed)
    assert orders.take_changed() == changed


def test_orders_for_once_and_confirming_ones_do_not_stand() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW, every_ms=0), NOW + 10 * MINUTE)
    orders.note(order("mon_a", NOW, round="rnd_1", look=1), NOW + 10 * MINUTE)
    assert len(orders) == 0


def test_what_a_restarted_worker_takes_up_has_the_same_slots() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW + 5_000), NOW + 10 * MINUTE)
    kept = [wire.decode_check(wire.encode(check)) for check in orders.take_changed()]
    again = StandingOrders()
    again.restore(kept, heard_ms=NOW + 3 * MINUTE)
    assert again.stand_alone(NOW + 3 * MINUTE, NOW + 10 * MINUTE) == 1
    assert slots(again, NOW + 10 * MINUTE + 6_000) == [("mon_a", 10 * MINUTE + 5_000)]


def test_only_what_reads_otherwise_is_kept_again() -> None:
    orders = StandingOrders()
    orders.note(order("mon_a", NOW), NOW + 10 * MINUTE)
    assert [check.at_ms for check in orders.take_changed()] == [NOW]
    orders.note(order("mon_a", NOW + MINUTE), NOW + 10 * MINUTE)
    assert orders.take_changed() == []
    orders.note(order("mon_a", NOW + 2 * MINUTE + 7_000), NOW + 10 * MINUTE)
    orders.note(order("mon_a", NOW + 3 * MINUTE + 7_000, sealed=b"another box"), NOW + 10 * MINUTE)
    assert [(check.at_ms - NOW, check.sealed) for check in orders.take_changed()] == [
        (3 * MINUTE + 7_000, b"another box")
    ]


@given(
    every_s=some.integers(10, 600),
    ordered_ms=some.integers(-600_000, 0),
    gaps=some.lists(some.integers(1, 2_000), min_size=50, max_size=200),
)
def test_whatever_the_rhythm_of_asking_every_slot_is_taken_once(every_s: int, ordered_ms: int, gaps: list[int]) -> None:
    every_ms = every_s * 1000
    orders = StandingOrders()
    orders.note(order("mon_a", NOW + ordered_ms, every_ms=every_ms), NOW + 10 * MINUTE)
    orders.stand_alone(NOW + ordered_ms, NOW)
    now_ms, taken = NOW, []
    for gap_ms in gaps:
        now_ms += gap_ms
        taken += [check.at_ms for check in orders.take_due(now_ms)]
    first = NOW + every_ms - (NOW - (NOW + ordered_ms)) % every_ms
    assert taken == list(range(first, now_ms + 1, every_ms))

"""Who may run now: a lane's slots, a target's part of them, and no check waits behind another target's crowd."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.checks.admission import Admission, Slots
from probes.wire import Check


def check(number: int, target: str = "") -> Check:
    return Check(1, f"mon_{number}", "http", number, 10**9, 1_000, msgspec.Raw(b"\x80"), target=target)


def test_a_lane_starts_so_many_lets_so_many_wait_and_refuses_the_rest() -> None:
    slots = Slots(most=2, waiting=1, at_target=2)
    assert [slots.admit(check(n)) for n in range(4)] == [
        Admission.STARTS, Admission.STARTS, Admission.WAITS, Admission.TOO_MANY_WAIT,
    ]  # fmt: skip
    assert slots.next() is None
    slots.leave(check(0))
    waited = slots.next()
    assert waited is not None and (waited.check.monitor, waited.for_target) == ("mon_2", False)


def test_a_crowd_at_one_target_holds_up_nobody_else() -> None:
    slots = Slots(most=10, waiting=10, at_target=2)
    crowd = [check(n, "slow.test") for n in range(5)]
    assert [slots.admit(one) for one in crowd] == [Admission.STARTS] * 2 + [Admission.WAITS] * 3
    assert slots.admit(check(9, "quick.test")) is Admission.STARTS
    assert slots.oldest_ms() is None

    slots.leave(crowd[0])
    waited = slots.next()
    assert waited is not None and (waited.check.monitor, waited.for_target) == ("mon_2", True)
    assert slots.next() is None


def test_one_that_waited_for_the_lane_may_find_a_crowd_at_its_target() -> None:
    slots = Slots(most=2, waiting=10, at_target=1)
    first, second, other = check(1, "a.test"), check(2, "b.test"), check(3, "a.test")
    assert slots.admit(first) is Admission.STARTS
    assert slots.admit(second) is Admission.STARTS
    assert slots.admit(other) is Admission.WAITS
    slots.leave(second)
    assert slots.next() is None
    slots.leave(first)
    waited = slots.next()
    assert waited is not None and waited.check == other


def test_what_waits_can_be_given_up() -> None:
    slots = Slots(most=1, waiting=10, at_target=1)
    for number, target in enumerate(["a.test", "a.test", "b.test", ""]):
        slots.admit(check(number, target))
    assert {one.monitor for one in slots.empty()} == {"mon_1", "mon_2", "mon_3"}
    assert len(slots) == 0


@pytest.mark.parametrize("at_target", [1, 2, 5])
@given(targets=st.lists(st.sampled_from(["", "a.test", "b.test", "c.test"]), max_size=60), seed=st.randoms())
def test_every_check_runs_once_and_no_bound_is_ever_passed(at_target: int, targets: list[str], seed: object) -> None:
    slots = Slots(most=4, waiting=1_000, at_target=at_target)
    running: list[Check] = []
    started: list[str] = []
    waiting = [check(number, target) for number, target in enumerate(targets)]

    def begin(one: Check) -> None:
        running.append(one)
        started.append(one.monitor)
        assert len(running) <= 4
        assert not one.target or sum(each.target == one.target for each in running) <= at_target

    while waiting or running:
        if waiting and (not running or seed.random() < 0.6):  # type: ignore[attr-defined]
            one = waiting.pop(0)
            if slots.admit(one) is Admission.STARTS:
                begin(one)
        else:
            ended = running.pop(seed.randrange(len(running)))  # type: ignore[attr-defined]
            slots.leave(ended)
            while (next_one := slots.next()) is not None:
                begin(next_one.check)
    assert sorted(started) == sorted(f"mon_{number}" for number in range(len(targets)))
    assert len(slots) == 0

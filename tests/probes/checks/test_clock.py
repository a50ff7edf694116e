"""The clock's offset: the quickest answer is the surest."""

from __future__ import annotations

import pytest

from probes.checks.clock import ClockOffset, Steps


def test_before_any_answer_the_clocks_are_taken_to_agree() -> None:
    assert ClockOffset().ms == 0.0


def test_the_midpoint_of_the_quickest_answer_counts() -> None:
    clock = ClockOffset()
    clock.add(asked_s=100.0, redis_s=98.0, answered_s=100.8)
    clock.add(asked_s=110.0, redis_s=108.0, answered_s=110.02)
    clock.add(asked_s=120.0, redis_s=117.0, answered_s=121.0)
    assert round(clock.ms) == 2010


def test_an_old_answer_gives_way_when_the_clock_has_moved() -> None:
    clock = ClockOffset()
    clock.add(asked_s=0.0, redis_s=0.0, answered_s=0.001)
    for second in range(1, 7):
        clock.add(asked_s=second, redis_s=second - 5, answered_s=second + 0.01)
    assert round(clock.ms) == 5005


@pytest.mark.parametrize("set_by_s", [3600.0, -3600.0, 2.0])
def test_the_first_answer_after_the_clock_of_redis_was_set_counts(set_by_s: float) -> None:
    """What a region signs by the time before is refused as of the past, or of the future."""
    clock = ClockOffset()
    clock.add(asked_s=100.0, redis_s=100.0, answered_s=100.001)
    clock.add(asked_s=110.0, redis_s=110.0 + set_by_s, answered_s=110.2)
    assert clock.ms == pytest.approx(100 - set_by_s * 1_000)


@pytest.mark.parametrize("set_by_s", [3600.0, -3600.0, 1.0, -0.6])
def test_a_clock_that_was_set_is_seen_once_and_what_was_measured_moves_with_it(set_by_s: float) -> None:
    steps, clock = Steps(wall_s=1_000.0, steady_s=5.0), ClockOffset()
    clock.add(asked_s=1_000.0, redis_s=998.0, answered_s=1_000.0)
    assert steps.look(1_010.0, 15.0) == 0.0
    stepped_s = steps.look(1_020.0 + set_by_s, 25.0)
    assert stepped_s == pytest.approx(set_by_s)
    assert steps.look(1_030.0 + set_by_s, 35.0) == 0.0
    clock.shift(stepped_s)
    assert clock.ms == pytest.approx(2_000 + set_by_s * 1_000)


def test_a_clock_that_is_led_slowly_and_a_machine_that_slept_are_no_step() -> None:
    steps = Steps(wall_s=0.0, steady_s=0.0)
    assert [steps.look(at_s * 1.0005, at_s) for at_s in (1.0, 2.0, 300.0, 301.0)] == [0.0] * 4

"""The clock's offset: the quickest answer is the surest."""

from __future__ import annotations

from probes.clock import ClockOffset


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

"""A warning needs a trend that lasts, and ends once it is gone for a while: it never cries wolf."""

from __future__ import annotations

import random

import pytest

from vigil.access.core.headroom import Headroom, in_minutes, in_words, stepped
from vigil.access.core.latch import OFF, Latch, LatchTimes, turned
from vigil.access.core.points import added
from vigil.access.core.pooled import QuotaTrend, quota_trend
from vigil.access.core.trend import POINTS_MOST, QuotaPoint, Trend, TrendReason

TIMES = LatchTimes(on_after_s=120, off_after_s=300)


def quota(minutes: float | None, left: float = 0.5) -> QuotaTrend:
    trend = Trend(TrendReason.NOT_FALLING) if minutes is None else Trend(TrendReason.FALLING, minutes, minutes, minutes)
    return QuotaTrend("requests", trend, left, 1000 * left, 1000, None, {"eu": trend})


def run(story: list[tuple[float, float | None]], most: int | None = 20) -> list[bool]:
    """Whether its owner is warned after each step of (time in s, minutes to the end)."""
    state, told = Headroom([]), []
    for at_s, minutes in story:
        state = stepped(state, [quota(minutes)], (most, 60), at_s)
        told.append(state.warned.on)
    return told


@pytest.mark.parametrize(
    ("story", "told"),
    [
        pytest.param([(0, 15), (60, 14), (180, 13)], [False, False, True], id="it lasts for three minutes"),
        pytest.param([(0, 15), (60, None), (120, 13), (180, 12)], [False] * 4, id="interrupted"),
        pytest.param([(0, 40), (200, 35), (400, 30)], [False] * 3, id="further away than is asked"),
        pytest.param([(0, 15), (180, 15), (240, 25), (900, 25)], [False, True, True, True], id="between the bounds"),
        pytest.param(
            [(0, 15), (180, 15), (240, None), (300, 14), (360, None), (660, None)],
            [False, True, True, True, True, False],
            id="gone for five minutes in a row",
        ),
    ],
)
def test_a_warning_lasts_before_it_is_told_and_before_it_ends(
    story: list[tuple[float, float | None]], told: list[bool]
) -> None:
    assert run(story) == told


def test_without_the_setting_nobody_is_warned() -> None:
    assert run([(0, 5), (120, 4), (240, 3)], most=None) == [False] * 3


def test_a_setting_that_is_taken_away_ends_the_warning_at_once() -> None:
    state = Headroom([], warned=Latch(True))

    assert not stepped(state, [quota(5)], (None, 60), 1.0).warned.on


@pytest.mark.parametrize(
    ("lefts", "short"),
    [
        ([0.05, 0.05], [False, True]),
        ([0.05, 0.05, 0.15, 0.15, 0.15], [False, True, True, True, True]),
        ([0.05, 0.05, 0.3, 0.3, 0.3], [False, True, True, True, False]),
        ([0.05, 0.3, 0.05, 0.3], [False] * 4),
    ],
)
def test_a_key_is_short_between_two_bounds(lefts: list[float], short: list[bool]) -> None:
    state, told = Headroom([]), []
    for place, left in enumerate(lefts):
        state = stepped(state, [quota(None, left)], (None, 60), place * 60.0)
        told.append(state.short.on)

    assert told == short


def test_a_clock_that_goes_back_ends_no_latch() -> None:
    assert turned(Latch(False, 100.0), True, False, 40.0, TIMES) == Latch(False, 40.0)
    assert turned(OFF, False, True, 0.0, TIMES) == OFF


@pytest.mark.parametrize("seed", [117, 149, 1, 2], ids="{}".format)
def test_bursts_and_noise_of_eight_hours_never_warn(seed: int) -> None:
    """A bucket of 5000 that refills by 50/s, in three regions: use of 20 to 90 %, at times 140 % for three minutes."""
    chance = random.Random(seed)
    left, burst, load = 5000.0, 0, 0.5
    seen: dict[str, list[QuotaPoint]] = {"eu": [], "us": [], "ap": []}
    state = Headroom([])
    for second in range(0, 8 * 3600, 5):
        if second % 600 == 0:
            load = chance.uniform(0.2, 0.9)
            burst = 180 if chance.random() < 0.3 else 0
        burst -= 5
        use = 70.0 if burst > 0 else 50 * load
        left = min(5000.0, max(0.0, left + 5 * (50 - use * chance.uniform(0.3, 1.7))))
        for place, many in enumerate(seen.values()):
            if second % 60 == 20 * place:
                many.append(QuotaPoint(float(second), round(left), 5000, (5000 - left) / 50))
                del many[:-POINTS_MOST]
        if second % 60 == 0:
            found = quota_trend("requests", seen, float(second))
            state = stepped(state, [found] if found else [], (20, 60), float(second))
        assert not state.warned.on


def test_words_say_the_time_with_its_doubt_and_who_agrees() -> None:
    trend = Trend(TrendReason.FALLING, 20.4, 15.6, 31.0)
    found = QuotaTrend(
        "input_tokens", trend, 0.4, 4000, 10_000, None, {"eu": trend, "us": Trend(TrendReason.UNCERTAIN)}
    )

    assert in_words(found) == (
        "4,000 of 10,000 input tokens are left. At this slope 429 in about 20 minutes (between 16 minutes and "
        "31 minutes). 1 of 2 regions agree."
    )
    assert in_minutes(Trend(TrendReason.RESET_FIRST)) == "It is reset before it would be used up."
    assert all(in_minutes(Trend(reason, 1.0, 1.0, 1.0)) for reason in TrendReason)


def test_no_points_are_added_without_results() -> None:
    assert added({}, {}, 0.0) == ({}, False)

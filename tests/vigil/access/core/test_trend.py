"""A trend is said of a quota that surely falls and is used up before its reset; in doubt the reason is said instead."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigil.access.core.trend import POINTS_MOST, QuotaPoint, TrendReason, since_reset, trend

MINUTE = 60.0


def points(
    remaining: Sequence[float], every_s: float = MINUTE, limit: float | None = 1000, reset_s: float | None = None
) -> list[QuotaPoint]:
    return [QuotaPoint(place * every_s, left, limit, reset_s) for place, left in enumerate(remaining)]


def now(many: Sequence[QuotaPoint]) -> float:
    return many[-1].at_s


FALLING = [1000 - 20 * place for place in range(20)]


@pytest.mark.parametrize(
    ("many", "reason"),
    [
        pytest.param([], TrendReason.NO_NEW_POINTS, id="nothing"),
        pytest.param(points([500, 480, 460]), TrendReason.TOO_FEW_POINTS, id="three points"),
        pytest.param(points(FALLING[:10], every_s=10), TrendReason.TOO_FEW_POINTS, id="a minute and a half"),
        pytest.param(points(FALLING), TrendReason.FALLING, id="a steady fall"),
        pytest.param(points([700] * 20), TrendReason.NOT_FALLING, id="level"),
        pytest.param(points(FALLING[::-1]), TrendReason.NOT_FALLING, id="refilling"),
        pytest.param(points([*FALLING, 0]), TrendReason.USED_UP, id="nothing is left"),
        pytest.param(points([*FALLING, 1000, 980]), TrendReason.TOO_FEW_POINTS, id="just reset"),
        pytest.param(points([1000 - 60 * p for p in range(10)] + [400] * 10), TrendReason.STOPPED, id="stopped"),
        pytest.param(points([700, 690, 710, 680, 705, 670, 700, 690]), TrendReason.UNCERTAIN, id="it may be noise"),
        pytest.param(points(FALLING, reset_s=600), TrendReason.RESET_FIRST, id="reset in ten minutes"),
        pytest.param(points(FALLING, reset_s=6 * 3600), TrendReason.FALLING, id="reset in six hours"),
        pytest.param(points(FALLING, limit=None), TrendReason.FALLING, id="credits without a limit"),
        pytest.param(points([1e9 - p for p in range(20)], limit=1e9), TrendReason.FAR_AWAY, id="lasts for ages"),
    ],
)
def test_a_trend_has_its_reason(many: list[QuotaPoint], reason: TrendReason) -> None:
    found = trend(many, many[-1].at_s if many else 0.0)

    assert found.reason is reason
    assert (found.minutes is not None) == (reason in (TrendReason.FALLING, TrendReason.USED_UP))


def test_a_steady_fall_says_its_minute() -> None:
    found = trend(points(FALLING), 19 * MINUTE)

    assert found.minutes == pytest.approx(31.0)
    assert (found.low, found.high) == (pytest.approx(31.0), pytest.approx(31.0))


def test_a_window_that_was_used_up_and_has_ended_since_is_not_used_up() -> None:
    many = points([100, 40, 0], reset_s=20.0)

    assert trend(many, now(many) + 10).reason is TrendReason.USED_UP
    assert trend(many, now(many) + 30).reason is TrendReason.RESET_FIRST


def test_points_of_long_ago_say_nothing() -> None:
    assert trend(points(FALLING), 19 * MINUTE + 301).reason is TrendReason.NO_NEW_POINTS


def test_a_changed_limit_begins_anew() -> None:
    many = [*points(FALLING), QuotaPoint(20 * MINUTE, 590, 2000)]

    assert len(since_reset(many)) == 1


def test_a_bucket_that_refills_more_slowly_than_it_is_used_is_told_in_spite_of_its_resets() -> None:
    """Its reset is when it would be full if nobody took from it: it comes and goes without effect, and moves away."""
    many = [QuotaPoint(p * MINUTE, 1000 - 20 * p, 1000, 2.0 + p) for p in range(20)]

    assert trend(many, now(many)).reason is TrendReason.FALLING


def test_a_window_that_looks_drift_through_is_no_fall() -> None:
    """A window of 59 s looked at every 60 s falls from look to look, and its reset comes nearer as it does."""
    many = []
    for place in range(30):
        at_s = place * 60.0
        in_window = (at_s + 20) % 59
        many.append(QuotaPoint(at_s, 1000 - 15 * in_window, 1000, 59 - in_window))

    assert all(trend(many[:count], many[count - 1].at_s).minutes is None for count in range(1, 31))


@settings(max_examples=60, deadline=None)
@given(
    window_s=st.sampled_from([30.0, 60.0, 61.0, 97.0, 600.0, 3600.0]),
    every_s=st.sampled_from([30.0, 60.0, 120.0]),
    used=st.floats(0.05, 0.9),
    seed=st.integers(0, 10_000),
)
def test_a_window_that_its_traffic_never_uses_up_is_never_told(
    window_s: float, every_s: float, used: float, seed: int
) -> None:
    """Fixed windows, noisy traffic that takes at most 90 % of each, looks that come up to 2 s late."""
    chance = random.Random(seed)
    many: list[QuotaPoint] = []
    for place in range(64):
        at_s = place * every_s + chance.uniform(0, 2)
        in_window = at_s % window_s
        taken = min(used * 1.1, used * in_window / window_s * chance.uniform(0.9, 1.1))
        many.append(QuotaPoint(at_s, round(10_000 * (1 - taken)), 10_000, window_s - in_window))
        assert trend(many[-POINTS_MOST:], at_s).minutes is None


def bucket(chance: random.Random, use: Callable[[int], float], minutes: int) -> list[QuotaPoint]:
    """A bucket of 5000 that refills by 50 a second, with noisy use per second, looked at every minute."""
    left, many = 5000.0, []
    for second in range(minutes * 60):
        left = min(5000.0, max(0.0, left + 50 - use(second) * chance.uniform(0.5, 1.5)))
        if second % 60 == 59:
            many.append(QuotaPoint(float(second), round(left), 5000, (5000 - left) / 50))
    return many


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), load=st.floats(0.1, 0.8))
def test_a_bucket_that_refills_faster_than_it_is_used_is_never_told(seed: int, load: float) -> None:
    """With a burst of twice the refill for a minute, every ten minutes."""
    many = bucket(random.Random(seed), lambda second: 100.0 if second % 600 < 60 else 50 * load, 60)

    assert all(trend(many[: end + 1][-POINTS_MOST:], many[end].at_s).minutes is None for end in range(len(many)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), minutes=st.integers(30, 300), noise=st.floats(0.0, 0.5))
def test_a_real_fall_is_told_in_time_and_near_the_truth(seed: int, minutes: int, noise: float) -> None:
    chance = random.Random(seed)
    left, many = 10_000.0, []
    rate = left / minutes
    for place in range(minutes):
        many.append(QuotaPoint(place * MINUTE, round(left), 10_000, 86_400.0))
        left -= rate * chance.uniform(1 - noise, 1 + noise)
    at = minutes - 15
    found = trend(many[:at][-POINTS_MOST:], many[at - 1].at_s)
    truth = many[at - 1].remaining / rate

    assert found.minutes == pytest.approx(truth, rel=0.35, abs=4)
    assert found.minutes is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.minutes <= found.high

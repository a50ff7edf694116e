"""A key is one, whichever region looks: most of the regions that know enough decide, and a liar alone does not."""

from __future__ import annotations

import pytest

from vigil.access.core.pooled import Lookers, quota_trend, soonest, together
from vigil.access.core.trend import QuotaPoint, Trend, TrendReason

FALLS = Trend(TrendReason.FALLING, 20.0, 15.0, 25.0)
SOON = Trend(TrendReason.FALLING, 1.0, 1.0, 1.0)
LEVEL = Trend(TrendReason.NOT_FALLING)
FEW = Trend(TrendReason.TOO_FEW_POINTS)


@pytest.mark.parametrize(
    ("regions", "reason", "minutes"),
    [
        ([FALLS], TrendReason.FALLING, 20.0),
        ([FALLS, FALLS, LEVEL], TrendReason.FALLING, 20.0),
        ([FALLS, SOON, FALLS], TrendReason.FALLING, 20.0),
        ([FALLS, SOON], TrendReason.FALLING, 20.0),
        ([FALLS, SOON, LEVEL], TrendReason.FALLING, 20.0),
        ([SOON, LEVEL, LEVEL], TrendReason.NOT_FALLING, None),
        ([FALLS, LEVEL], TrendReason.REGIONS_DIFFER, None),
        ([FALLS, FEW, FEW], TrendReason.TOO_FEW_POINTS, None),
        ([FEW], TrendReason.TOO_FEW_POINTS, None),
        ([], TrendReason.NO_NEW_POINTS, None),
    ],
)
def test_most_of_those_who_can_see_decide(regions: list[Trend], reason: TrendReason, minutes: float | None) -> None:
    found = together({f"r{place}": one for place, one in enumerate(regions)}, len(regions))

    assert (found.reason, found.minutes) == (reason, minutes)


def test_regions_that_tell_nothing_of_a_quota_are_no_reason_to_warn() -> None:
    assert together({"liar": SOON}, votes=3).reason is TrendReason.REGIONS_DIFFER
    assert together({"liar": SOON}, votes=1, enough=False).reason is TrendReason.REGIONS_DIFFER
    assert together({"eu": FALLS, "us": SOON}, votes=3).minutes == 20.0


def falling(start: float, each: float) -> list[QuotaPoint]:
    return [QuotaPoint(place * 60.0, start - each * place, 1000) for place in range(12)]


def test_one_region_that_lies_neither_warns_nor_hides() -> None:
    honest, empty, full = falling(900, 40), falling(900, 81), [QuotaPoint(p * 60.0, 1000, 1000) for p in range(12)]
    warned = quota_trend("requests", {"eu": honest, "us": honest, "liar": full}, 660.0)
    calm = quota_trend("requests", {"eu": full, "us": full, "liar": empty}, 660.0)

    assert warned is not None
    assert warned.trend.minutes == pytest.approx(11.5)
    assert (warned.agreeing, warned.remaining) == (2, 460)
    assert calm is not None
    assert (calm.trend.minutes, calm.left) == (None, 1.0)


@pytest.mark.parametrize(
    "lookers",
    [
        pytest.param(Lookers(2, ("eu", "liar")), id="the other of two is answered and tells of no such quota"),
        pytest.param(Lookers(3, ("liar",)), id="the others are dark"),
        pytest.param(Lookers(3, ("eu", "us")), id="its own answers are none of the service"),
    ],
)
def test_a_quota_that_one_region_alone_tells_of_neither_warns_nor_is_short(lookers: Lookers) -> None:
    found = quota_trend("made_up", {"liar": falling(900, 81)}, 660.0, lookers)

    assert found is not None
    assert (found.trend.minutes, found.left, found.remaining) == (None, None, 9)


def test_of_two_regions_the_one_with_more_left_decides_whether_a_key_is_short() -> None:
    full = [QuotaPoint(place * 60.0, 900, 1000) for place in range(12)]
    huge = [QuotaPoint(place * 60.0, 1e6, 1e15) for place in range(12)]

    for lie in (falling(12, 1), huge):
        found = quota_trend("requests", {"eu": full, "liar": lie}, 660.0, Lookers(2, ("eu", "liar")))
        assert found is not None
        assert (found.left, found.trend.minutes) == (0.9, None)


def test_the_quota_that_ends_first_is_the_tightest() -> None:
    tokens = quota_trend("tokens", {"eu": falling(1000, 20)}, 660.0)
    requests = quota_trend("requests", {"eu": falling(700, 40)}, 660.0)
    assert tokens is not None
    assert requests is not None

    assert soonest([tokens, requests]) is requests
    assert quota_trend("requests", {"eu": []}, 0.0) is None

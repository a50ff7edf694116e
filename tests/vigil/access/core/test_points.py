"""Facts of regions become points within bounds; what is beyond them is dropped, and nothing grows without end."""

from __future__ import annotations

from typing import Any

import pytest

from probes.reasons import Reason, Status
from probes.wire import Phases, Result
from vigil.access.core.points import KEPT_S, QUOTAS_MOST, added, packed, points_of, unpacked
from vigil.access.core.trend import POINTS_MOST, QuotaPoint

NOW_S = 1_700_000_000.0


def result(at_s: float = NOW_S, **facts: Any) -> Result:
    named = {f"ratelimit_{name}": value for name, value in facts.items()}
    ms = round(at_s * 1000)
    return Result(1, "mon_1", ms, Status.UP, Reason.OK, ms, Phases(), facts=named)


def test_a_result_tells_of_its_quotas() -> None:
    found = points_of(
        result(requests_limit=100, requests_remaining=40, requests_reset_s=9.5, tokens_remaining=7), NOW_S
    )

    assert found == {"requests": QuotaPoint(NOW_S, 40, 100, 9.5), "tokens": QuotaPoint(NOW_S, 7)}


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"requests_limit": 0, "requests_remaining": 0}, id="a limit of nothing"),
        pytest.param({"requests_remaining": 0}, id="nothing left of no limit"),
        pytest.param({"requests_remaining": -1, "requests_limit": 10}, id="minus one"),
        pytest.param({"requests_remaining": 1e16, "requests_limit": 10}, id="more than there is"),
        pytest.param({"requests_remaining": "40", "requests_limit": 100}, id="a text"),
        pytest.param({"requests_remaining": True, "requests_limit": 100}, id="a truth"),
        pytest.param({"a\nb_remaining": 40, "a\nb_limit": 100}, id="a name of two lines"),
        pytest.param({"x" * 90 + "_remaining": 40}, id="a long name"),
        pytest.param({"requests_limit": 100}, id="only the limit"),
    ],
)
def test_what_cannot_be_is_no_point(facts: dict[str, Any]) -> None:
    assert points_of(result(**facts), NOW_S) == {}


@pytest.mark.parametrize("at_s", [NOW_S - KEPT_S - 1, NOW_S + 601, 0.0])
def test_a_time_far_from_now_is_no_point(at_s: float) -> None:
    assert points_of(result(at_s, requests_limit=10, requests_remaining=4), NOW_S) == {}


def test_a_clock_that_is_ahead_gives_points_of_now() -> None:
    assert points_of(result(NOW_S + 500, requests_limit=10, requests_remaining=4), NOW_S)["requests"].at_s == NOW_S


def test_points_are_bounded_and_each_result_counts_once() -> None:
    points: Any = {}
    for place in range(POINTS_MOST + 20):
        now_s = NOW_S + place * 60
        seen = {"eu": result(now_s, requests_limit=100, requests_remaining=90)}
        points, grown = added(points, seen, now_s)
        assert grown
        points, grown = added(points, seen, now_s + 1)
        assert not grown

    assert len(points["requests"]["eu"]) == POINTS_MOST
    assert added(points, {}, NOW_S + 1e6) == ({}, False)


def test_a_region_that_makes_up_quotas_gets_a_few() -> None:
    many = {f"{letter}{letter}_remaining": 5 for letter in "abcdefghijklmnopqrstuvwxyz"}
    points, _ = added({}, {"eu": result(**many), "us": result(requests_remaining=4)}, NOW_S)

    assert len(points) == QUOTAS_MOST
    both = {"requests_remaining": 4}
    points, _ = added(points, {"ap": result(NOW_S + 1, **both), "us": result(NOW_S + 1, **both)}, NOW_S + 1)
    assert set(points["requests"]) == {"ap", "us"}, "what one region makes up takes no place from what is"


def test_points_survive_their_packed_form_and_noise_is_none() -> None:
    points = {"requests": {"eu": [QuotaPoint(NOW_S, 40, 100, None), QuotaPoint(NOW_S + 60, 39, None, 1.5)]}}

    assert unpacked(packed(points)) == points
    assert unpacked(b"\xc1noise") == {}
    assert unpacked(b"\x00" * 2_000_000) == {}

"""The fake providers with limits: a quota that falls, one that is nearly used up, and a country not served."""

from __future__ import annotations

import pytest

from probes.ai.classify import ReceivedAnswer, classify
from probes.reasons import Reason
from vigil.demo.exchange import ServedRequest
from vigil.demo.metered.answers import FENCED_SOURCE, metered_answer
from vigil.demo.stage import SEATS, source_address


def ask(path: str, source: str = "127.0.1.1", age_s: float = 0.0) -> ReceivedAnswer:
    answer = metered_answer(ServedRequest("GET", path, "", {}, source=source), age_s)
    assert answer is not None
    return ReceivedAnswer("openai", answer.code, answer.headers, answer.body, answer.code == 200)


def test_a_quota_falls_and_begins_anew_before_it_is_used_up() -> None:
    left = [
        classify(ask("/metered/v1/models", age_s=age)).facts["ratelimit_requests_remaining"] for age in (0, 60, 600)
    ]

    assert left == [10_000, 9_700, 7_000]
    least = min(
        int(classify(ask("/metered/v1/models", age_s=age)).facts["ratelimit_requests_remaining"])
        for age in range(0, 7_200, 60)
    )
    assert least >= 500


def test_the_spent_key_is_nearly_used_up() -> None:
    facts = classify(ask("/spent/v1/models")).facts

    assert (facts["ratelimit_requests_remaining"], facts["ratelimit_requests_limit"]) == (3, 100)


@pytest.mark.parametrize("seat", SEATS, ids=[seat.region for seat in SEATS])
def test_one_region_is_not_served(seat: object) -> None:
    source = source_address(seat)  # type: ignore[arg-type]
    seen = classify(ask("/fenced/v1/models", source))

    assert seen.reason is (Reason.GEO_BLOCKED if source == FENCED_SOURCE else Reason.OK)


def test_other_paths_are_of_the_other_providers() -> None:
    assert metered_answer(ServedRequest("GET", "/openai/v1/models", "", {}), 0.0) is None
    assert metered_answer(ServedRequest("GET", "/metered", "", {}), 0.0) is None

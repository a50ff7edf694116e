"""When to try again and when to stop."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.alerts.core.retry import SCHEDULE_S, AnswerClass, after_failure, class_of, parse_retry_after

FRESH = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("code", "answer_class"),
    [
        *((code, AnswerClass.ACCEPTED) for code in (200, 202, 204)),
        *((code, AnswerClass.RETRY) for code in (408, 425, 429, 500, 503)),
        *((code, AnswerClass.PERMANENT) for code in (301, 400, 401, 404, 410)),
    ],
)
def test_a_status_code_has_one_class(code: int, answer_class: AnswerClass) -> None:
    assert class_of(code) is answer_class


@given(st.integers(1, 1000), st.text(max_size=10))
def test_a_wait_is_within_the_schedule(attempts: int, seed: str) -> None:
    found = after_failure(attempts, FRESH, permanent=False, retry_after_s=None, seed=seed)
    assert not found.dead
    assert 0 <= found.wait_s <= SCHEDULE_S[min(attempts, len(SCHEDULE_S)) - 1]


def test_the_same_seed_gives_the_same_wait_and_others_differ() -> None:
    def wait(seed: str) -> float:
        return after_failure(3, FRESH, permanent=False, retry_after_s=None, seed=seed).wait_s

    assert wait("a") == wait("a")
    assert len({wait(str(number)) for number in range(20)}) == 20


def test_the_receivers_wish_is_honoured_up_to_15_minutes() -> None:
    def wait(wish: float) -> float:
        return after_failure(1, FRESH, permanent=False, retry_after_s=wish, seed="a").wait_s

    assert wait(60) == 60
    assert wait(10**6) == 900


def test_a_permanent_refusal_is_the_end() -> None:
    assert after_failure(1, FRESH, permanent=True, retry_after_s=None, seed="a").dead


def test_a_day_is_the_end() -> None:
    assert after_failure(9, timedelta(hours=24), permanent=False, retry_after_s=None, seed="a").dead


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("5", 5.0), ("-1", None), ("1.5", None), ("Wed, 21 Oct 2015 07:28:00 GMT", None),
     ("9" * 40, None), ("²", None)],
)  # fmt: skip
def test_a_retry_after_is_a_number_of_seconds_or_nothing(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header) == seconds


def test_a_retry_after_that_is_a_date_counts_from_the_answers_own_date() -> None:
    wish, now = "Wed, 21 Oct 2015 07:28:30 GMT", "Wed, 21 Oct 2015 07:28:00 GMT"
    assert parse_retry_after(wish, now) == 30
    assert parse_retry_after(now, wish) == 0
    assert parse_retry_after(wish, "nonsense") is None

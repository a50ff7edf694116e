"""What is told of a model before it retires: each stage once, also after a pause, and a date that moves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.model_watch.core.retirement import (
    ABSENT_FOR,
    STAGES,
    KnownDate,
    RetirementDate,
    Telling,
    decide,
    in_words,
    stage_of,
    title_of,
)

DAY = date(2030, 6, 1)
LATER = date(2030, 9, 1)
FOUND = RetirementDate(DAY, "the page", date(2030, 1, 1), "gpt-y")


def at(days_ahead: int, hour: int = 12) -> datetime:
    return datetime(2030, 6, 1, hour, tzinfo=UTC) - timedelta(days=days_ahead)


def story(*days_ahead: int, found: RetirementDate | None = FOUND) -> list[tuple[int, str, int | None]]:
    """What is told on these days before the date, beginning with nothing known."""
    known: KnownDate | None = None
    told = []
    for days in days_ahead:
        known, telling = decide(found, known, at(days))
        if telling is not None:
            told.append((days, telling.telling.value, telling.stage))
    return told


AHEAD = [(90, "ahead", 90), (30, "ahead", 30), (7, "ahead", 7), (1, "ahead", 1), (0, "over", 0)]


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (range(120, -40, -1), AHEAD),
        ((120, 100, 91), []),
        # Off from then on: the nearest stage alone, when it is back.
        ((120, 5), [(5, "ahead", 7)]),
        ((95, 89, 29, 6, 0), [(89, "ahead", 90), (29, "ahead", 30), (6, "ahead", 7), (0, "over", 0)]),
        ((-3, -4, -400), [(-3, "over", 0)]),
        ((2,), [(2, "ahead", 7)]),
    ],
)
def test_each_stage_is_told_once(days: tuple[int, ...], told: list[tuple[int, str, int]]) -> None:
    assert story(*days) == told


def test_a_day_begins_in_utc() -> None:
    assert stage_of(DAY, datetime(2030, 5, 31, 23, 59, tzinfo=UTC).date()) == 1
    assert stage_of(DAY, datetime(2030, 6, 1, 0, 0, tzinfo=UTC).date()) == 0


def test_a_date_that_moves_is_told_and_its_stages_begin_anew() -> None:
    known, _ = decide(FOUND, None, at(20))
    known, told = decide(RetirementDate(LATER, "x"), known, at(19))
    assert told is not None and (told.telling, told.before, told.day, told.stage) == (Telling.MOVED, DAY, LATER, None)
    assert (
        title_of("gpt-x", "OpenAI", told, at(19).date())
        == "gpt-x of OpenAI retires on 2030-09-01 instead of 2030-06-01"
    )
    assert decide(RetirementDate(LATER, "x"), known, at(18)) == (KnownDate(LATER), None)
    _, told = decide(RetirementDate(LATER, "x"), known, at(0))
    assert told is None or told.stage == 90


def test_a_date_is_withdrawn_when_no_source_names_it_for_a_day() -> None:
    known, _ = decide(FOUND, None, at(20))
    known, told = decide(None, known, at(19))
    assert told is None and known is not None and known.absent_since == at(19)
    assert decide(FOUND, known, at(18)) == (KnownDate(DAY, 30), None)
    gone, told = decide(None, known, at(19) + ABSENT_FOR)
    assert gone is None and told is not None and told.telling is Telling.WITHDRAWN
    assert title_of("gpt-x", "OpenAI", told, at(18).date()) == "gpt-x of OpenAI no longer has a retirement date"


def test_what_is_over_goes_without_a_word() -> None:
    known = KnownDate(DAY, 0, at(-2))
    assert decide(None, known, at(-5)) == (None, None)
    assert decide(RetirementDate(DAY - timedelta(days=3), "x"), KnownDate(DAY, 0), at(-5))[1] is None


@pytest.mark.parametrize(
    ("days", "title"),
    [
        (30, "gpt-x of OpenAI retires in 30 days, on 2030-06-01"),
        (1, "gpt-x of OpenAI retires tomorrow, on 2030-06-01"),
        (0, "gpt-x of OpenAI retires today, on 2030-06-01"),
        (-9, "gpt-x of OpenAI was to retire on 2030-06-01, and is still in use here"),
    ],
)
def test_the_title_says_when(days: int, title: str) -> None:
    _, told = decide(FOUND, None, at(days))
    assert told is not None and title_of("gpt-x", "OpenAI", told, at(days).date()) == title


def test_the_words_name_use_replacement_and_source() -> None:
    assert in_words(FOUND, "Chat") == "Used by Chat; replacement: gpt-y; source: the page, read 2030-01-01."
    assert in_words(None, "Chat") == "Used by Chat."


@given(st.lists(st.integers(-50, 200), min_size=1, max_size=60))
def test_whenever_it_is_looked_at_no_stage_is_told_twice_and_the_last_is_the_nearest(days: list[int]) -> None:
    days.sort(reverse=True)
    told = story(*days)
    stages = [stage for _, _, stage in told]
    assert stages == sorted(set(stages), key=STAGES.index)
    reached = stage_of(DAY, at(days[-1]).date())
    assert (stages[-1] if stages else None) == reached

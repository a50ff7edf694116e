"""Figures read the same on every page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from vigil.read_models.core.figures import length, milliseconds, minute, moment, percent

NOW = datetime(2026, 11, 29, 14, 2, 11, tzinfo=UTC)


def test_milliseconds_become_seconds_from_two_on_and_are_never_zero() -> None:
    shown = [milliseconds(ms) for ms in (None, 0, 0.4, 412.4, 1999, 2000, 2430)]
    assert shown == ["\u2013", *(f"{text[:-3].strip()}\u202f{text[-2:].strip()}" for text in (
        "<1 ms", "<1 ms", "412 ms", "1,999 ms")), "2.0\u202fs", "2.4\u202fs"]  # fmt: skip


def test_a_percentage_is_rounded_down_and_full_only_where_it_is_exact() -> None:
    assert [percent(part).replace("\u202f", " ") for part in (1, 0.99999, 0.9994, 0.5, 0.0)] == [
        "100 %", "99.99 %", "99.94 %", "50.00 %", "0 %"]  # fmt: skip


@settings(deadline=None)
@given(st.floats(0, 1, allow_nan=False))
def test_a_percentage_never_says_more_than_there_is(part: float) -> None:
    told = float(percent(part).split("\u202f")[0])
    assert told / 100 <= part + 1e-9
    assert (told == 100) == (part == 1)


def test_moments_of_another_day_name_it() -> None:
    assert moment(NOW - timedelta(minutes=1), NOW) == "14:01:11"
    assert minute(NOW - timedelta(days=3), NOW) == "26 Nov 14:02"
    assert [length(timedelta(seconds=s)) for s in (42, 720, 10_800, 1_036_800)] == ["42 s", "12 min", "3 h", "12 d"]

"""Times as feeds write them: none of them ends the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from vigil.feeds.core.page import instant_of

EDGES = [
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+00:01", "99999999999",
    "Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359", "-1", "\x00", "2026-13-45", "1e999",
]  # fmt: skip


@pytest.mark.parametrize("word", EDGES)
def test_s15_an_instant_without_utc_is_no_instant(word: str) -> None:
    found = instant_of(word)
    assert found is None or found.utcoffset() is not None


@given(
    word=some.one_of(some.text(max_size=80), some.datetimes(timezones=some.timezones()).map(lambda at: at.isoformat()))
)
def test_s15_no_text_ends_the_reader(word: str) -> None:
    found = instant_of(word)
    assert found is None or found.utcoffset() is not None

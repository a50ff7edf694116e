"""Results that have stopped are told by their own age, never by the state that they left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vigil.read_models.core.silence_of_regions import silent_since

NOW = datetime(2026, 11, 29, 14, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age_s", "intervals", "silent"),
    [(119, [300, 60], False), (121, [300, 60], True), (25, [5], False), (31, [5], True), (9_999, [], False)],
)
def test_results_are_missed_after_two_of_the_shortest_intervals(age_s: int, intervals: list[int], silent: bool) -> None:
    newest = NOW - timedelta(seconds=age_s)
    assert silent_since(newest, intervals, NOW) == (newest if silent else None)


def test_what_no_region_has_ever_seen_is_new_and_not_silent() -> None:
    assert silent_since(None, [60], NOW) is None

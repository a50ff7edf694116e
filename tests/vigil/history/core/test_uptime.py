"""Uptime: every second is one thing and one thing only, whatever overlaps and wherever midnight is."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.history.core.uptime import Span, Uptime, UptimeSpans, account, by_day, midnight, settle

START = 1_900_000_000
moments = st.integers(START - 50, START + 250)
spans = st.lists(st.tuples(moments, moments), max_size=6)
stories = st.builds(UptimeSpans, spans, spans, spans, spans)
windows = st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair)))


def second_by_second(story: UptimeSpans, window: Span) -> Uptime:
    """The definition, spelled out."""

    def held(kind: object, second: int) -> bool:
        return any(start <= second < end for start, end in kind)  # type: ignore[attr-defined]

    up = down = excluded = maintenance = degraded = 0
    for second in range(*window):
        if held(story.maintenance, second):
            maintenance += 1
        elif held(story.excluded, second):
            excluded += 1
        elif held(story.down, second):
            down += 1
        else:
            up += 1
            degraded += held(story.degraded, second)
    return Uptime(up, down, excluded, maintenance, degraded)


@given(stories, windows)
def test_it_is_what_counting_second_by_second_gives(story: UptimeSpans, window: Span) -> None:
    assert account(settle(story), window) == second_by_second(story, window)


@given(stories, windows)
def test_up_down_excluded_and_maintenance_are_the_wall_time_to_the_second(story: UptimeSpans, window: Span) -> None:
    assert account(settle(story), window).wall_s == window[1] - window[0]


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=5),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo"]),
    st.integers(0, 400 * 86_400),
    st.integers(1, 100 * 86_400),
)
def test_the_days_of_any_time_zone_add_up_to_the_window(down: list[Span], zone: str, begins: int, length: int) -> None:
    story = settle(UptimeSpans(down=[(START + a * 86_400, START + b * 86_400 + 7) for a, b in down]))
    window = (START + begins, START + begins + length)
    days = list(by_day(story, window, ZoneInfo(zone)))
    assert sum((day.uptime for day in days), Uptime()) == account(story, window)
    assert days[0].window[0] == window[0] and days[-1].window[1] == window[1]
    assert all(one.window[1] == other.window[0] for one, other in pairwise(days))
    assert len({day.date for day in days}) == len(days)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("Europe/Berlin", "2030-03-31", 23), ("Europe/Berlin", "2030-10-27", 25), ("UTC", "2030-03-31", 24)],
)
def test_a_day_has_as_many_hours_as_its_clocks_say(zone: str, day: str, hours: int) -> None:
    date = datetime.fromisoformat(day).date()
    start = midnight(date, ZoneInfo(zone))
    first = next(by_day(settle(UptimeSpans()), (start, start + 40 * 3600), ZoneInfo(zone)))
    assert first.date == date and first.uptime.up_s == hours * 3600


def test_a_window_in_which_nothing_counts_has_no_ratio() -> None:
    all_of_it = settle(UptimeSpans(maintenance=[(START, START + 10)]))
    assert account(all_of_it, (START, START + 10)).ratio is None
    assert account(settle(UptimeSpans(down=[(START, START + 1)])), (START, START + 4)).ratio == 0.75


def test_midnight_is_the_zones_own() -> None:
    at = datetime.fromtimestamp(midnight(datetime(2030, 7, 1).date(), ZoneInfo("Europe/Berlin")), UTC)  # noqa: DTZ001
    assert at == datetime(2030, 6, 30, 22, tzinfo=UTC)

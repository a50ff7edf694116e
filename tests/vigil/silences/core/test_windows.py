"""When silences hold, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.silences.core.windows import ScheduleError, Window, WindowSchedule, check, current, merged, windows

DAY = timedelta(days=1)
MINUTES = st.integers(0, 500).map(lambda minutes: datetime(2030, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
WINDOWS = st.lists(st.tuples(MINUTES, MINUTES).map(lambda pair: Window(*pair)), max_size=8)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(found: list[Window]) -> list[str]:
    return [f"{window.starts:%m-%d %H:%M} to {window.ends:%m-%d %H:%M}" for window in found]


def nightly(zone: str = "Europe/Berlin", hours: int = 2, cron: str = "30 1 * * *") -> WindowSchedule:
    return WindowSchedule(cron=cron, duration=timedelta(hours=hours), zone=zone)


def test_a_one_off_holds_from_its_start_until_its_end() -> None:
    once = WindowSchedule(utc("2030-01-01 10:00"), utc("2030-01-01 12:00"))
    assert shown(windows(once, utc("2029-01-01"), utc("2031-01-01"))) == ["01-01 10:00 to 01-01 12:00"]
    assert current(once, utc("2030-01-01 09:59")) is None
    assert current(once, utc("2030-01-01 10:00")) == Window(utc("2030-01-01 10:00"), utc("2030-01-01 12:00"))
    assert current(once, utc("2030-01-01 12:00")) is None


def test_a_night_in_which_the_clocks_change_has_one_window_of_the_same_length() -> None:
    # In Berlin clocks go forward on 2030-03-31 and back on 2030-10-27, both at 01:00 UTC.
    spring = windows(nightly(cron="30 2 * * *"), utc("2030-03-29 12:00"), utc("2030-04-01 12:00"))
    assert shown(spring) == [
        "03-30 01:30 to 03-30 03:30", "03-31 01:00 to 03-31 03:00", "04-01 00:30 to 04-01 02:30",
    ]  # fmt: skip
    autumn = windows(nightly(cron="30 2 * * *"), utc("2030-10-25 12:00"), utc("2030-10-28 12:00"))
    assert len(autumn) == 3
    assert all(window.ends - window.starts == timedelta(hours=2) for window in autumn)


def test_a_window_that_began_before_the_range_is_cut_to_it() -> None:
    found = windows(nightly("UTC"), utc("2030-01-01 02:00"), utc("2030-01-01 03:00"))
    assert shown(found) == ["01-01 02:00 to 01-01 03:00"]


def test_windows_that_touch_are_one() -> None:
    hourly = nightly("UTC", hours=1, cron="0 1-3 * * *")
    assert shown(windows(hourly, utc("2030-01-01"), utc("2030-01-02"))) == ["01-01 01:00 to 01-01 04:00"]
    assert current(hourly, utc("2030-01-01 01:10")) == Window(utc("2030-01-01 01:00"), utc("2030-01-01 04:00"))


def test_bounds_say_which_windows_begin_and_validity_cuts_them() -> None:
    bounded = WindowSchedule(utc("2030-01-02"), utc("2030-01-03"), "30 1 * * *", timedelta(hours=2))
    assert shown(windows(bounded, utc("2030-01-01"), utc("2030-01-09"))) == ["01-02 01:30 to 01-02 03:30"]
    ended = WindowSchedule(cron="30 1 * * *", duration=timedelta(hours=2), valid_until=utc("2030-01-01 02:00"))
    assert shown(windows(ended, utc("2030-01-01"), utc("2030-01-09"))) == ["01-01 01:30 to 01-01 02:00"]
    begun = WindowSchedule(cron="30 1 * * *", duration=timedelta(hours=2), valid_from=utc("2030-01-01 02:00"))
    assert shown(windows(begun, utc("2030-01-01"), utc("2030-01-02"))) == ["01-01 02:00 to 01-01 03:30"]


REFUSED = [
    (WindowSchedule(), "ends_at"),
    (WindowSchedule(utc("2030-01-02"), utc("2030-01-01")), "ends_at"),
    (WindowSchedule(cron="30 1 * * *"), "duration_s"),
    (WindowSchedule(cron="30 1 * * *", duration=8 * DAY), "duration_s"),
    (WindowSchedule(cron="30 1 * *", duration=DAY), "cron"),
    (WindowSchedule(cron="* * * * * *", duration=DAY), "cron"),
    (WindowSchedule(cron="61 1 * * *", duration=DAY), "cron"),
    (WindowSchedule(cron="0 0 31 2 *", duration=DAY), "cron"),
    (WindowSchedule(cron="* * * * *", duration=DAY), "cron"),
    (WindowSchedule(cron="0,2 3 * * *", duration=DAY), "cron"),
]


@pytest.mark.parametrize(("schedule", "field"), REFUSED)
def test_a_schedule_that_cannot_be_kept_is_refused_by_field(schedule: WindowSchedule, field: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        check(schedule)
    assert refused.value.field == field


@pytest.mark.parametrize("cron", ["30 1 * * *", "*/5 * * * *", "0 3 * * SUN#1", "0 0 29 2 *", "0 0 L * *"])
def test_a_schedule_that_can_be_kept_is_taken(cron: str) -> None:
    check(nightly(cron=cron))


@given(WINDOWS)
def test_a_union_covers_what_its_windows_cover_and_nothing_else(found: list[Window]) -> None:
    union = merged(found)
    for minute in range(0, 500, 7):
        at = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
        assert any(w.starts <= at < w.ends for w in union) == any(w.starts <= at < w.ends for w in found)
    assert all(earlier.ends < later.starts for earlier, later in pairwise(union))


@given(MINUTES, MINUTES, MINUTES)
def test_a_range_in_two_parts_holds_what_the_whole_holds(a: datetime, b: datetime, c: datetime) -> None:
    start, middle, end = sorted((a, b, c))
    hourly = nightly("Asia/Kolkata", hours=1, cron="*/45 * * * *")
    parts = windows(hourly, start, middle) + windows(hourly, middle, end)
    assert merged(parts) == windows(hourly, start, end)

"""Schedules: periods, cron across changes of clocks, and OnCalendar as systemd computes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import oncalendar as oracle
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vigil.heartbeats.core import oncalendar
from vigil.heartbeats.core.schedule import (
    JobSchedule,
    ScheduleKind,
    expected_after_call,
    length_in_words,
    next_after,
    problem_of,
)

GOLDEN = json.loads((Path(__file__).parent / "oncalendar.json").read_text())
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


def cron(expression: str, zone: str = "UTC") -> JobSchedule:
    return JobSchedule(ScheduleKind.CRON, expression=expression, zone=zone)


@pytest.mark.parametrize(("expression", "base", "expected"), GOLDEN["next"])
def test_an_on_calendar_expression_elapses_when_systemd_says_so(
    expression: str, base: str, expected: list[str]
) -> None:
    at: datetime | None = datetime.fromisoformat(base).replace(tzinfo=UTC)
    found: list[str] = []
    while at is not None and len(found) < 3:
        at = oncalendar.next_time(expression, at, "UTC")
        if at is not None:
            found.append(f"{at:%Y-%m-%d %H:%M:%S}")
    assert found == expected


@pytest.mark.parametrize("expression", [*GOLDEN["refused"], "x" * 300, "*:0/0", "2300-01-01"])
def test_what_systemd_refuses_is_refused(expression: str) -> None:
    with pytest.raises(oncalendar.NotACalendar):
        oncalendar.parse(expression)


def part(*numbers: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    """One part of an expression; some of its ranges run backwards and are refused, and so are steps of 0."""
    number, step = st.one_of(*numbers), st.integers(0, 12)
    piece = st.one_of(
        number.map(str),
        st.builds("{}..{}".format, number, number),
        st.builds("{}/{}".format, number, step),
        # The library takes 5..5/2 for 5/2; systemd does not.
        st.tuples(number, number, step).filter(lambda part: part[0] != part[1]).map("{0[0]}..{0[1]}/{0[2]}".format),
    )
    return st.just("*") | st.lists(piece, min_size=1, max_size=3).map(",".join)


WEEKDAY = st.sampled_from(["Mon", "tue", "Wednesday", "THU", "Fri", "sat", "Sunday"])
WEEKDAYS = st.builds("{}{}{}{}".format, WEEKDAY, st.sampled_from(["..", "-", ","]), WEEKDAY, st.sampled_from(["", ","]))
MONTH, SIXTY = part(st.integers(1, 12)), part(st.integers(0, 59))
DATES = st.one_of(
    st.builds("{}-{}".format, MONTH, part(st.integers(1, 31))),
    st.builds("{}~{}".format, MONTH, part(st.integers(1, 28))),
    st.builds("{}-{}-1".format, part(st.integers(0, 99), st.integers(2020, 2045)), MONTH),
)
TIMES_OF_DAY = st.builds("{}:{}".format, part(st.integers(0, 23)), SIXTY) | st.builds("1:{}:{}".format, SIXTY, SIXTY)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])


@settings(deadline=None)
@example(words=("Mon-Fri 09:00",), at=NOW, zone="UTC")
@example(words=("Sat, *-*~* 09:00",), at=NOW, zone="UTC")
@example(words=("*-*~05..20/3",), at=NOW, zone="UTC")
@example(words=("98..7-*-01",), at=NOW, zone="UTC")
@example(words=("28..30/2-*-01",), at=NOW, zone="UTC")
@given(
    words=st.tuples(*(st.just("") | each for each in (WEEKDAY | WEEKDAYS, DATES, TIMES_OF_DAY, ZONES))),
    at=TIMES,
    zone=ZONES,
)
def test_an_on_calendar_expression_elapses_when_the_oncalendar_library_says_so(
    words: tuple[str, ...], at: datetime, zone: str
) -> None:
    expression = " ".join(filter(None, words))
    try:
        times = oracle.OnCalendar(expression, at.astimezone(ZoneInfo(zone)))
    except oracle.OnCalendarError:
        with pytest.raises(oncalendar.NotACalendar):
            oncalendar.parse(expression)
        return
    # Where clocks are set back the library also names times that are over: the first ones of two.
    expected = next((found.astimezone(UTC) for found in times if found > at), None)
    if expected is None or expected.year <= at.year + 40:
        assert oncalendar.next_time(expression, at, zone) == expected


@pytest.mark.parametrize(
    ("schedule", "at", "expected"),
    [
        (JobSchedule(ScheduleKind.PERIOD, timedelta(hours=1)), "2026-11-24 08:00", "2026-11-24 09:00"),
        (cron("0 2 * * *"), "2026-11-24 08:00", "2026-11-25 02:00"),
        (cron("@daily"), "2026-11-24 08:00", "2026-11-25 00:00"),
        (cron("0 2 * * *", "Europe/Berlin"), "2026-11-24 08:00", "2026-11-25 01:00"),
        # In spring 02:30 does not exist: the job runs when the clock shows 03:00, as cron itself does.
        (cron("30 2 * * *", "Europe/Berlin"), "2026-03-28 12:00", "2026-03-29 01:00"),
        # In autumn 02:30 comes twice: the job runs once.
        (cron("30 2 * * *", "Europe/Berlin"), "2026-10-24 12:00", "2026-10-25 00:30"),
        (cron("30 2 * * *", "Europe/Berlin"), "2026-10-25 00:30", "2026-10-26 01:30"),
        # Every hour by the clock on the wall, through the hour that comes twice.
        (cron("0 * * * *", "Europe/Berlin"), "2026-10-25 00:00", "2026-10-25 01:00"),
        (cron("0 6 * * MON"), "2026-11-24 08:00", "2026-11-30 06:00"),
        (cron("0 0 L * *"), "2026-11-24 08:00", "2026-11-30 00:00"),
    ],
)
def test_a_job_is_expected_at(schedule: JobSchedule, at: str, expected: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert next_after(schedule, moment) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_call_just_before_its_time_is_the_call_that_was_expected() -> None:
    expected = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    early, much_too_early = expected - timedelta(seconds=3), expected - timedelta(hours=1)
    assert expected_after_call(cron("0 2 * * *"), early, expected) == expected + timedelta(days=1)
    assert expected_after_call(cron("0 2 * * *"), much_too_early, expected) == expected


@pytest.mark.parametrize(
    ("schedule", "field", "words"),
    [
        (JobSchedule(ScheduleKind.PERIOD, timedelta(seconds=59)), "period_s", "between 1 minute and 1 year"),
        (JobSchedule(ScheduleKind.PERIOD, timedelta(days=366)), "period_s", "between 1 minute and 1 year"),
        (cron("61 * * * *"), "expression", "Not a cron expression"),
        (cron("0 0 31 2 *"), "expression", ""),
        (cron("* * * * *", "Mars/Olympus"), "time_zone", "no time zone"),
        (JobSchedule(ScheduleKind.ONCALENDAR, expression="sometimes"), "expression", "Not an OnCalendar"),
        (JobSchedule(ScheduleKind.ONCALENDAR, expression="2020-01-01"), "expression", "no time in the future"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(schedule: JobSchedule, field: str, words: str) -> None:
    found, problem = problem_of(schedule, NOW)
    assert found == field
    assert words in problem


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@given(at=TIMES, minute=st.integers(0, 59), hour=st.integers(0, 23))
def test_a_daily_job_is_expected_once_a_day_whatever_the_clocks_do(
    zone: str, at: datetime, minute: int, hour: int
) -> None:
    for schedule in (
        cron(f"{minute} {hour} * * *", zone),
        JobSchedule(ScheduleKind.ONCALENDAR, expression=f"{hour}:{minute}", zone=zone),
    ):
        first = next_after(schedule, at)
        assert first is not None
        second = next_after(schedule, first)
        assert second is not None
        assert at < first < second
        assert first - at <= timedelta(hours=49)
        days = second.astimezone(ZoneInfo(zone)).date() - first.astimezone(ZoneInfo(zone)).date()
        assert timedelta(days=1) <= days <= timedelta(days=2)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (45, "45 s"), (720, "12 min"), (11_100, "3 h 5 min"), (176_400, "2 d 1 h"), (61, "1 min 1 s")],
)
def test_lengths_are_said_in_their_two_greatest_units(seconds: int, words: str) -> None:
    assert length_in_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("kind", "expression", "says"),
    [
        (ScheduleKind.CRON, "0 2 * * * *", "five fields (minute, hour, day, month, weekday), not 6"),
        (ScheduleKind.CRON, "*/10 * * * * *", "five fields"),
        (ScheduleKind.CRON, "0 2 * *", "five fields"),
        (ScheduleKind.CRON, "0 0 2 * * * *", "five fields"),
        (ScheduleKind.CRON, "", "five fields"),
        (ScheduleKind.CRON, "@reboot", "one of @hourly, @daily"),
        (ScheduleKind.CRON, "@every 5m", "or a period"),
        (ScheduleKind.CRON, "CRON_TZ=UTC 0 0 * * *", "the time zone in its own field"),
        (ScheduleKind.CRON, "0 0 ? * *", "* in place of ?"),
        (ScheduleKind.CRON, "0 2 * * * ", ""),
        (ScheduleKind.CRON, " 0  2 * * *", ""),
        (ScheduleKind.CRON, "* * * * *", ""),
        (ScheduleKind.CRON, "@daily", ""),
        (ScheduleKind.ONCALENDAR, "*:*:0/30", "once a minute"),
        (ScheduleKind.ONCALENDAR, "*:*:*", "once a minute"),
        (ScheduleKind.ONCALENDAR, "*-*-* *:*:0,30", "once a minute"),
        (ScheduleKind.ONCALENDAR, "09:00:10..12", "once a minute"),
        (ScheduleKind.ONCALENDAR, "*:*:30", ""),
        (ScheduleKind.ONCALENDAR, "minutely", ""),
        (ScheduleKind.ONCALENDAR, "*:0/15", ""),
    ],
)
def test_b2_21_a_schedule_has_five_fields_and_nothing_below_a_minute(
    kind: ScheduleKind, expression: str, says: str
) -> None:
    field, problem = problem_of(JobSchedule(kind, expression=expression), datetime(2026, 11, 29, tzinfo=UTC))
    assert (says in problem) if says else (field, problem) == ("", "")

"""Who is on call, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.alerts.core.escalation import EscalationPosition, after, delay_s, immediate
from vigil.alerts.core.rotation import OnCallSchedule, Override, Shift, shifts, who_is_on_call

WEEKLY = OnCallSchedule((1, 2, 3), date(2030, 1, 7), 7, time(9), "Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def person(schedule: OnCallSchedule, at: str) -> int | None:
    shift = who_is_on_call(schedule, utc(at))
    return shift.person if shift else None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2030-01-07 07:59", None),
        ("2030-01-07 08:00", 1),
        ("2030-01-14 07:59", 1),
        ("2030-01-14 08:00", 2),
        ("2030-01-28 08:00", 1),
        # Summer time from March 31 on: nine o'clock in Berlin is seven o'clock UTC.
        ("2030-04-01 06:59", 3),
        ("2030-04-01 07:00", 1),
    ],
)
def test_people_take_turns_by_the_clock_of_their_zone(at: str, expected: int | None) -> None:
    assert person(WEEKLY, at) == expected


def test_a_handover_that_the_clocks_show_twice_happens_once() -> None:
    # 02:30 on 2030-10-27 is shown at 00:30 and again at 01:30 UTC.
    daily = OnCallSchedule((1, 2), date(2030, 10, 25), 1, time(2, 30), "Europe/Berlin")
    assert [person(daily, f"2030-10-27 {at}") for at in ("00:29", "00:30", "01:10", "01:30", "05:00")] == [
        2,
        1,
        1,
        1,
        1,
    ]


def test_a_handover_that_the_clocks_skip_happens_once() -> None:
    # 02:30 on 2030-03-31 is not shown in Berlin: clocks go from 02:00 to 03:00 at 01:00 UTC.
    daily = OnCallSchedule((1, 2), date(2030, 3, 29), 1, time(2, 30), "Europe/Berlin")
    assert [person(daily, f"2030-03-31 {at}") for at in ("00:59", "01:29", "01:30", "05:00")] == [2, 2, 1, 1]


def test_an_override_stands_in_and_the_last_one_counts() -> None:
    covered = OnCallSchedule(
        (1, 2), date(2030, 1, 7), 7, time(9), "UTC",
        (Override(8, utc("2030-01-08"), utc("2030-01-10")), Override(9, utc("2030-01-09"), utc("2030-01-11"))),
    )  # fmt: skip
    days = ("07 12:00", "08 00:00", "09 00:00", "10 12:00", "11 00:00")
    assert [person(covered, f"2030-01-{at}") for at in days] == [1, 8, 9, 9, 1]
    found = shifts(covered, utc("2030-01-07 09:00"), utc("2030-01-14 09:00"))
    assert [(one.person, one.covers, f"{one.starts:%d}", f"{one.ends:%d}") for one in found] == [
        (1, False, "07", "08"), (8, True, "08", "09"), (9, True, "09", "11"), (1, False, "11", "14"),
    ]  # fmt: skip


def test_nobody_is_on_call_in_an_empty_rotation_but_an_override_still_counts() -> None:
    empty = OnCallSchedule((), date(2030, 1, 7), overrides=(Override(8, utc("2030-01-08"), utc("2030-01-10")),))
    assert (person(empty, "2030-01-09"), person(empty, "2030-01-12")) == (8, None)


ROTAS = st.builds(
    OnCallSchedule,
    people=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
    first=st.dates(date(2030, 3, 20), date(2030, 4, 5)),
    days=st.integers(1, 9),
    handover=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    overrides=st.lists(
        st.tuples(st.integers(0, 9_000), st.integers(1, 4_000)).map(
            lambda pair: Override(
                9, utc("2030-03-25") + timedelta(minutes=pair[0]), utc("2030-03-25") + timedelta(minutes=sum(pair))
            )
        ),
        max_size=3,
    ).map(tuple),
)


@given(ROTAS, st.integers(0, 40_000))
def test_at_every_moment_the_shifts_and_the_question_agree(schedule: OnCallSchedule, minute: int) -> None:
    start = utc("2030-03-20")
    found = shifts(schedule, start, start + timedelta(days=40))
    at = start + timedelta(minutes=minute)
    holding = [shift.person for shift in found if shift.starts <= at < shift.ends]
    now = who_is_on_call(schedule, at)
    assert holding == ([now.person] if now and at < start + timedelta(days=40) else [])


@given(ROTAS)
def test_after_it_has_begun_somebody_is_always_on_call_and_never_two(schedule: OnCallSchedule) -> None:
    start = utc("2030-04-08")
    found = shifts(schedule, start, start + timedelta(days=30))
    assert (found[0].starts, found[-1].ends) == (start, start + timedelta(days=30))
    assert all(earlier.ends == later.starts for earlier, later in pairwise(found))
    assert all(isinstance(shift, Shift) and shift.starts < shift.ends for shift in found)


def test_a_ladder_is_climbed_rung_by_rung_and_again_as_often_as_it_repeats() -> None:
    places: list[tuple[int, int]] = []
    place: EscalationPosition | None = EscalationPosition()
    while place is not None:
        places.append((place.rung, place.round))
        place = after(place, 2, 1)
    assert places == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert after(EscalationPosition(), 0, 5) is None


def test_a_new_round_waits_at_least_a_minute() -> None:
    positions = (EscalationPosition(0, 0), EscalationPosition(0, 1), EscalationPosition(1, 1))
    assert [delay_s(position, (0, 300)) for position in positions] == [0, 60, 300]
    assert delay_s(EscalationPosition(0, 2), (90,)) == 90


def test_the_first_rungs_without_a_delay_are_due_with_the_incident() -> None:
    assert immediate((0, 0, 300, 0)) == (0, 1)
    assert immediate((300, 0)) == ()
    assert immediate(()) == ()

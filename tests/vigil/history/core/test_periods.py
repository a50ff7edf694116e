"""Which week or month a report is about, and when it is due."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.history.core.periods import Frequency, Period, before, due, last_over

BERLIN = ZoneInfo("Europe/Berlin")
moments = st.datetimes(datetime(2025, 1, 1), datetime(2035, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati"]).map(ZoneInfo)
frequencies = st.sampled_from(list(Frequency))


@pytest.mark.parametrize(
    ("frequency", "now", "first", "last"),
    [
        (Frequency.WEEKLY, "2026-05-25T10:00", "2026-05-18", "2026-05-24"),
        (Frequency.WEEKLY, "2026-05-24T23:00", "2026-05-18", "2026-05-24"),
        (Frequency.WEEKLY, "2026-05-24T21:00", "2026-05-11", "2026-05-17"),
        (Frequency.MONTHLY, "2026-03-01T00:00", "2026-02-01", "2026-02-28"),
        (Frequency.MONTHLY, "2026-01-15T00:00", "2025-12-01", "2025-12-31"),
    ],
)
def test_a_period_is_of_the_zones_own_calendar(frequency: Frequency, now: str, first: str, last: str) -> None:
    period = last_over(frequency, BERLIN, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert (period.first, period.last) == (date.fromisoformat(first), date.fromisoformat(last))


@given(frequencies, zones, moments)
def test_periods_follow_each_other_without_a_gap(frequency: Frequency, zone: ZoneInfo, now: datetime) -> None:
    period = last_over(frequency, zone, now)
    assert period.ends <= now < period.ends + timedelta(days=32)
    assert before(period, frequency).after == period.first
    assert last_over(frequency, zone, period.ends) == period
    assert last_over(frequency, zone, period.ends - timedelta(seconds=1)) == before(period, frequency)


@given(frequencies, zones, moments)
def test_what_was_told_is_not_due_again_and_the_next_one_is(
    frequency: Frequency, zone: ZoneInfo, now: datetime
) -> None:
    told = last_over(frequency, zone, now).ends
    assert due(frequency, zone, now, told) is None
    later = due(frequency, zone, now + timedelta(days=33), told)
    assert later is not None and later.ends > told


def test_a_period_is_due_an_hour_after_it_is_over() -> None:
    over = Period(date(2026, 5, 18), date(2026, 5, 25), BERLIN)
    asked = over.ends - timedelta(days=3)
    assert due(Frequency.WEEKLY, BERLIN, over.ends + timedelta(minutes=59), asked) is None
    assert due(Frequency.WEEKLY, BERLIN, over.ends + timedelta(minutes=61), asked) == over

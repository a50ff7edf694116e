"""Planned work begins and ends by its window; what a person says goes forward only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vigil.status.core.states import UpdateState
from vigil.status.public_incidents.core.maintenance import (
    MaintenanceWindow,
    began_at,
    can_follow,
    ended_at,
    next_change,
    state_at,
)

START = datetime(2026, 12, 1, 2, tzinfo=UTC)
END = START + timedelta(hours=2)
WINDOW = MaintenanceWindow(START, END)
SCHEDULED, IN_PROGRESS, VERIFYING, COMPLETED = (
    UpdateState.SCHEDULED, UpdateState.IN_PROGRESS, UpdateState.VERIFYING, UpdateState.COMPLETED,
)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "at", "after"),
    [
        (SCHEDULED, START - timedelta(seconds=1), SCHEDULED),
        (SCHEDULED, START, IN_PROGRESS),
        (IN_PROGRESS, END - timedelta(seconds=1), IN_PROGRESS),
        (IN_PROGRESS, END, COMPLETED),
        (VERIFYING, START + timedelta(minutes=1), VERIFYING),
        (VERIFYING, END, COMPLETED),
        (SCHEDULED, END, COMPLETED),
        (COMPLETED, START, COMPLETED),
    ],
)
def test_the_state_follows_the_window(before: UpdateState, at: datetime, after: UpdateState) -> None:
    assert state_at(before, WINDOW, at) is after


def test_each_change_is_expected_at_its_moment_and_none_where_a_person_holds_it() -> None:
    assert [next_change(one, WINDOW) for one in (SCHEDULED, IN_PROGRESS, VERIFYING, COMPLETED)] == [
        START, END, END, None,
    ]  # fmt: skip
    held = MaintenanceWindow(START, END, False)
    assert state_at(SCHEDULED, held, END) is SCHEDULED and next_change(SCHEDULED, held) is None


def test_what_is_completed_stays_so_and_what_has_begun_is_not_ahead_again() -> None:
    assert can_follow(None, SCHEDULED) and not can_follow(None, IN_PROGRESS)
    assert can_follow(SCHEDULED, SCHEDULED) and can_follow(SCHEDULED, COMPLETED)
    assert can_follow(VERIFYING, IN_PROGRESS) and not can_follow(IN_PROGRESS, SCHEDULED)
    assert not any(can_follow(COMPLETED, one) for one in (SCHEDULED, IN_PROGRESS, VERIFYING, COMPLETED))
    assert can_follow(UpdateState.RESOLVED, UpdateState.INVESTIGATING)


def test_no_time_is_taken_for_maintenance_before_readers_could_know_of_it() -> None:
    late = START + timedelta(minutes=20)
    assert began_at(WINDOW, START - timedelta(days=1), late, by_itself=True) == START
    assert began_at(WINDOW, late, late, by_itself=True) == late
    assert began_at(WINDOW, START - timedelta(days=1), late, by_itself=False) == late
    assert ended_at(WINDOW, END + timedelta(minutes=3), by_itself=True) == END
    assert ended_at(WINDOW, late, by_itself=False) == late

"""Which silences cover which monitors, and that what is past stays as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.monitors.models import Monitor
from vigil.silences.changes import change_silence, create_silence, delete_silence, end_now
from vigil.silences.covering import excluded_intervals, muted_by, paused_intervals
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def now() -> datetime:
    return database_now()


def monitor(name: str = "api", *, team: Team | None = None, tags: list[str] | None = None) -> Monitor:
    return Monitor.objects.create(
        team=team or default_team(), name=name, kind="http", config={"url": "http://x.test"}, tags=tags or []
    )


def silence(*monitors: Monitor, **wanted: Any) -> Silence:
    at = database_now()
    times = {} if "cron" in wanted else {"starts_at": at - HOUR, "ends_at": at + HOUR}
    made = Silence(team=default_team())
    return create_silence(made, {"name": "upgrade", **times, **wanted}, monitors)


def test_a_silence_covers_its_monitors_its_tags_or_all_and_no_other(now: datetime) -> None:
    named, tagged, other = monitor("a"), monitor("b", tags=["db", "eu"]), monitor("c")
    silence(named), silence(tags=["eu", "us"])
    assert [len(muted_by(one, now)) for one in (named, tagged, other)] == [1, 1, 0]
    silence(every_monitor=True)
    assert [len(muted_by(one, now)) for one in (named, tagged, other)] == [2, 2, 1]


def test_a_silence_covers_no_monitor_of_another_team(now: datetime) -> None:
    foreign = monitor(team=Team.objects.create(name="o", slug="o"), tags=["eu"])
    silence(every_monitor=True, pauses=True), silence(tags=["eu"])
    assert muted_by(foreign, now) == []
    assert paused_intervals(now, now + HOUR) == {}
    with pytest.raises(ValidationError, match="team"):
        silence(foreign)


def test_what_pauses_also_mutes_and_what_only_excludes_does_not(now: datetime) -> None:
    one = monitor()
    silence(one, mutes=False, excludes=True)
    assert muted_by(one, now) == [] and paused_intervals(now, now + HOUR) == {}
    silence(one, mutes=False, pauses=True)
    assert len(muted_by(one, now)) == 1 and one.public_id in paused_intervals(now, now + HOUR)


def test_uptime_leaves_out_what_is_excluded_or_paused_once(now: datetime) -> None:
    one = monitor()
    silence(one, mutes=False, excludes=True, starts_at=now - 4 * HOUR, ends_at=now - 2 * HOUR)
    silence(one, mutes=False, pauses=True, starts_at=now - 3 * HOUR, ends_at=now - HOUR)
    silence(one, starts_at=now - 9 * HOUR)
    found = excluded_intervals(one, now - 24 * HOUR, now)
    assert [(window.starts, window.ends) for window in found] == [(now - 4 * HOUR, now - HOUR)]


def test_a_change_or_an_end_leaves_the_past_as_it_was(now: datetime) -> None:
    one, two = monitor("a"), monitor("b")
    first = silence(one, excludes=True)
    changed = change_silence(first, {"name": "other"}, [two])
    assert changed.public_id == first.public_id and changed.pk != first.pk
    assert excluded_intervals(one, now - 2 * HOUR, now + 2 * HOUR)[0].ends == changed.valid_from
    assert excluded_intervals(two, now - 2 * HOUR, now + 2 * HOUR)[0].starts == changed.valid_from
    delete_silence(changed)
    assert excluded_intervals(one, now - 2 * HOUR, now + 2 * HOUR) != []
    assert muted_by(two, now + timedelta(minutes=1)) == []


def test_a_change_that_names_no_monitors_keeps_them(now: datetime) -> None:
    one = monitor()
    changed = change_silence(silence(one), {"reason": "longer than thought", "ends_at": now + 3 * HOUR})
    assert [cover.until for cover in muted_by(one, now)] == [now + 3 * HOUR]
    assert Silence.objects.get(pk=changed.pk).reason == "longer than thought"


def test_a_window_is_ended_now_and_a_recurring_one_comes_back(now: datetime) -> None:
    one = monitor()
    again = silence(one, cron=f"{now.minute} {now.hour} * * *", duration_s=3600, zone="UTC")
    assert len(muted_by(one, now)) == 1
    end_now(again)
    assert muted_by(one, now + timedelta(minutes=1)) == []
    assert len(muted_by(one, now + timedelta(days=1, minutes=1))) == 1
    once = silence(one)
    assert end_now(once) is None
    assert muted_by(one, now + timedelta(minutes=1)) == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"mutes": False, "every_monitor": True}, "mutes"),
        ({}, "monitors"),
        ({"tags": ["x" * 51]}, "tags"),
        ({"every_monitor": True, "zone": "Mars/Base"}, "zone"),
        ({"every_monitor": True, "zone": "../etc/passwd"}, "zone"),
        ({"every_monitor": True, "cron": "x", "duration_s": 60}, "cron"),
        ({"every_monitor": True, "ends_at": datetime(2020, 1, 1, tzinfo=UTC)}, "ends_at"),
    ],
)
def test_what_covers_nothing_does_nothing_or_has_no_time_is_refused(wanted: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        silence(**wanted)
    assert field in refused.value.message_dict

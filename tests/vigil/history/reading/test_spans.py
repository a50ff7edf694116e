"""From incidents, pauses, blindness and maintenance windows to the seconds of uptime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from probes.reasons import Status
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.history.core.uptime import Uptime, account
from vigil.history.models import Unwatched
from vigil.history.reading.spans import settled_spans
from vigil.incidents.composites import follow
from vigil.incidents.core.model import IncidentKind, Step, StepReason
from vigil.incidents.models import Incident, MonitorState, Transition
from vigil.incidents.sweep import reconcile_monitors
from vigil.monitors.changes import create_monitor, delete_monitor, set_paused
from vigil.monitors.composites import MemberLink, write_chain
from vigil.monitors.models import Monitor, Region
from vigil.silences.covering import excluded_intervals
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 6, 1, tzinfo=UTC)
START = NOW - timedelta(days=1)
WINDOW = (int(START.timestamp()), int(NOW.timestamp()))
DAY = 86_400


@pytest.fixture
def monitor() -> Monitor:
    region = Region.objects.create(slug="eu", domain="a")
    fields = {"name": "m", "kind": "http", "config": {"url": "https://example.com/"}, "regions": [region]}
    made = create_monitor(default_team(), {**fields, "tags": ["shop"]})
    Monitor.objects.filter(pk=made.pk).update(created_at=NOW - timedelta(days=30))
    made.refresh_from_db()
    return made


def incident(monitor: Monitor, kind: IncidentKind, start_s: int, end_s: int | None = None) -> Incident:
    """An incident that began so many seconds into the window."""
    started = START + timedelta(seconds=start_s)
    return Incident.objects.create(
        team=monitor.team,
        monitor=monitor,
        kind=kind,
        title="t",
        started_at=started,
        opened_at=started + timedelta(seconds=20),
        resolved_at=None if end_s is None else START + timedelta(seconds=end_s),
    )


def uptime(monitor: Monitor) -> Uptime:
    return account(settled_spans([monitor], WINDOW)[monitor.pk], WINDOW)


def test_a_monitor_without_incidents_was_up(monitor: Monitor) -> None:
    assert uptime(monitor) == Uptime(up_s=DAY)


def test_an_outage_is_down_from_its_first_failing_observation_to_its_end(monitor: Monitor) -> None:
    incident(monitor, IncidentKind.OUTAGE, 1000, 1600)
    assert uptime(monitor) == Uptime(up_s=DAY - 600, down_s=600)


def test_an_open_outage_is_down_until_the_end_of_the_window(monitor: Monitor) -> None:
    incident(monitor, IncidentKind.OUTAGE, DAY - 50)
    assert uptime(monitor).down_s == 50


def test_what_began_before_the_window_counts_within_it(monitor: Monitor) -> None:
    incident(monitor, IncidentKind.OUTAGE, -500, 100)
    assert uptime(monitor).down_s == 100


@pytest.mark.parametrize("kind", [IncidentKind.DEGRADED, IncidentKind.ACCOUNT])
def test_degraded_time_is_up_and_shown(monitor: Monitor, kind: IncidentKind) -> None:
    monitor.secrets = {"bearer": "obviously-fake"}
    incident(monitor, kind, 0, 300)
    assert uptime(monitor) == Uptime(up_s=DAY, degraded_s=300)


@pytest.mark.parametrize(
    ("config", "down_s"),
    [
        ({"url": "https://example.com/"}, 300),
        ({"url": "https://example.com/", "headers": [["Accept", "text/html"]]}, 300),
        ({"url": "https://example.com/?api_key=k"}, 0),
        ({"url": "https://example.com/", "headers": [["X-Api-Key", "k"]]}, 0),
    ],
)
def test_an_account_problem_without_a_credential_is_down(monitor: Monitor, config: dict[str, Any], down_s: int) -> None:
    monitor.config = config
    incident(monitor, IncidentKind.ACCOUNT, 0, 300)
    assert uptime(monitor).down_s == down_s


@pytest.mark.parametrize("kind", [IncidentKind.REGIONAL, IncidentKind.BLIND])
def test_what_is_no_trouble_of_the_target_counts_nowhere(monitor: Monitor, kind: IncidentKind) -> None:
    incident(monitor, kind, 0, 300)
    assert uptime(monitor) == Uptime(up_s=DAY)


def test_an_outage_that_began_as_a_slowdown_is_down_from_when_it_worsened(monitor: Monitor) -> None:
    row = incident(monitor, IncidentKind.OUTAGE, 1000, 1600)
    worsened = START + timedelta(seconds=1400)
    Transition.objects.create(incident=row, seq=2, step=Step.CHANGED, reason=StepReason.WORSENED, at=worsened)
    assert uptime(monitor) == Uptime(up_s=DAY - 200, down_s=200, degraded_s=400)


def test_a_job_that_did_not_call_is_down(monitor: Monitor) -> None:
    incident(monitor, IncidentKind.HEARTBEAT, 0, 60)
    assert uptime(monitor).down_s == 60


def test_time_before_the_monitor_was_made_is_excluded(monitor: Monitor) -> None:
    Monitor.objects.filter(pk=monitor.pk).update(created_at=START + timedelta(seconds=600))
    monitor.refresh_from_db()
    assert uptime(monitor) == Uptime(up_s=DAY - 600, excluded_s=600)


def test_paused_time_is_excluded_however_it_came_about(monitor: Monitor) -> None:
    set_paused(monitor, True)
    Monitor.objects.filter(pk=monitor.pk).update(paused=False)
    Monitor.objects.filter(pk=monitor.pk).update(paused=True)
    delete_monitor(monitor)
    rows = list(Unwatched.objects.filter(monitor=monitor, why=Unwatched.Why.PAUSED).order_by("id"))
    assert [row.to_at is None for row in rows] == [False, True], "two stretches, of which the last goes on"
    rows[0].from_at, rows[0].to_at = START, START + timedelta(seconds=100)
    rows[1].from_at = NOW
    Unwatched.objects.bulk_update(rows, ["from_at", "to_at"])
    incident(monitor, IncidentKind.OUTAGE, 50, 200)
    assert uptime(monitor) == Uptime(up_s=DAY - 200, down_s=100, excluded_s=100)


def test_time_in_which_nobody_could_see_it_is_excluded_and_what_was_down_stays_down(monitor: Monitor) -> None:
    reconcile_monitors(lambda step: None)
    assert Unwatched.objects.get().from_at == monitor.created_at, "no verdict yet, since it was made"
    MonitorState.objects.filter(monitor=monitor).update(status=Status.UP)
    assert Unwatched.objects.get().to_at is not None
    MonitorState.objects.filter(monitor=monitor).update(blind=True)
    MonitorState.objects.filter(monitor=monitor).update(blind=False)
    first, last = Unwatched.objects.order_by("id")
    first.delete()
    last.from_at, last.to_at = START, START + timedelta(seconds=500)
    last.save()
    incident(monitor, IncidentKind.OUTAGE, 100, 200)
    assert uptime(monitor) == Uptime(up_s=DAY - 500, down_s=100, excluded_s=400)


def test_maintenance_is_nothing_else(monitor: Monitor) -> None:
    Silence.objects.create(
        team=monitor.team,
        name="upgrade",
        excludes=True,
        tags=["shop"],
        starts_at=START + timedelta(seconds=100),
        ends_at=START + timedelta(seconds=700),
    )
    Silence.objects.create(
        team=monitor.team, name="only mutes", every_monitor=True, starts_at=START, ends_at=START + timedelta(hours=1)
    )
    incident(monitor, IncidentKind.OUTAGE, 0, 300)
    assert uptime(monitor) == Uptime(up_s=DAY - 700, down_s=100, maintenance_s=600)


def test_a_composite_is_down_when_what_it_stands_for_is_and_not_with_each_of_its_members(monitor: Monitor) -> None:
    spare = create_monitor(monitor.team, {"name": "s", "kind": "http", "config": {"url": "https://example.com/"}})
    chain, _ = write_chain(monitor.team, "chain", [MemberLink("first", (monitor,)), MemberLink("spare", (spare,))])
    reconcile_monitors(lambda step: None)
    MonitorState.objects.update(status=Status.UP)

    def is_down() -> bool:
        with transaction.atomic():
            follow([monitor.pk, spare.pk], lambda step: None)
        now = int(database_now().timestamp()) + 2
        settled = settled_spans([chain.monitor], (now - 60, now))[chain.monitor.pk]
        return bool(settled.down)

    MonitorState.objects.filter(monitor=monitor).update(status=Status.DOWN)
    assert not is_down(), "the spare serves"
    MonitorState.objects.filter(monitor=spare).update(status=Status.DOWN)
    assert is_down()


def test_what_maintenance_covers_is_what_silences_say_it_covers(monitor: Monitor) -> None:
    """The windows of many monitors at once are those that the silences' own question gives for each."""
    other = create_monitor(monitor.team, {"name": "o", "kind": "http", "config": {"url": "https://example.com/"}})
    Monitor.objects.update(created_at=NOW - timedelta(days=30))
    monitors = list(Monitor.objects.all())
    long_ago: dict[str, Any] = {"starts_at": START - timedelta(days=9), "ends_at": START - timedelta(days=8)}
    today: dict[str, Any] = {"starts_at": START + timedelta(hours=1), "ends_at": START + timedelta(hours=2)}
    nightly: dict[str, Any] = {"cron": "30 3 * * *", "duration_s": 1_800, "zone": "Europe/Berlin"}
    silences: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"excludes": True, "tags": ["shop"]}, today),
        ({"pauses": True, "every_monitor": True}, nightly),
        ({"excludes": True, "every_monitor": True}, long_ago),
        ({"excludes": True, "every_monitor": True, "valid_until": START}, today),
        ({"mutes": True, "every_monitor": True}, today),
    ]
    for number, (what, when) in enumerate(silences):
        Silence.objects.create(team=monitor.team, name=f"s{number}", **what, **when)
    named = Silence.objects.create(team=monitor.team, name="named", excludes=True, starts_at=START, ends_at=NOW)
    named.monitors.add(other)
    settled = settled_spans(monitors, WINDOW)
    for each in monitors:
        windows = excluded_intervals(each, START, NOW)
        expected = tuple((int(one.starts.timestamp()), int(one.ends.timestamp())) for one in windows)
        assert settled[each.pk].maintenance == expected and expected


def test_many_monitors_are_asked_about_in_a_few_queries(
    monitor: Monitor, django_assert_max_num_queries: object
) -> None:
    fields = {"kind": "http", "config": {"url": "https://example.com/"}}
    monitors = [create_monitor(monitor.team, {"name": f"m{place}", **fields}) for place in range(20)]
    for each in monitors:
        incident(each, IncidentKind.OUTAGE, 0, 60)
    with django_assert_max_num_queries(6, connection=connection):  # type: ignore[operator]
        settled = settled_spans(monitors, WINDOW)
    assert len(settled) == 20

"""The clock: late, down, excused, paused; one transition for each change however many sweep at once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.urls import reverse

from probes.reasons import Status
from tests.vigil.api.caller import Api
from tests.vigil.heartbeats.jobs import ago, call, job, listening, logged, nobody
from vigil.accounts.models import User
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.delivery.claims import claim
from vigil.alerts.models import Channel, Delivery, Route
from vigil.alerts.outbox import enqueue
from vigil.alerts.routing.changes import save_route
from vigil.clock import database_now
from vigil.deadletters.record import LetterSource, isolation
from vigil.heartbeats import receiver_gaps
from vigil.heartbeats.apply import apply_each, apply_entries
from vigil.heartbeats.changes import delete_heartbeat, rotate_address, set_paused, update_heartbeat
from vigil.heartbeats.core.pings.address import read_target
from vigil.heartbeats.core.pings.wire import PingKind, encode
from vigil.heartbeats.core.reception import LONGEST_WAIT
from vigil.heartbeats.core.states import EffectReason
from vigil.heartbeats.models import Heartbeat, Reception, ReceptionGap, SpooledEntry
from vigil.heartbeats.sweep import follow_monitors, sweep
from vigil.incidents.models import Incident, MonitorState, Transition
from vigil.monitors import changes as monitors
from vigil.monitors.composites import Member, create_composite
from vigil.silences.changes import create_silence
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db


def silent(name: str = "nightly", minutes: float = 90) -> Heartbeat:
    """An hourly job that called last so long ago."""
    row = job(name)
    apply_entries([logged(call(row, ago(minutes=minutes)))], nobody)
    row.refresh_from_db()
    return row


def test_a_job_is_late_and_then_down_with_an_incident_that_says_since_when() -> None:
    row = silent(minutes=70)
    listening()
    assert sweep(nobody).reasons == {EffectReason.LATE: 1}
    assert not Incident.objects.exists()
    row.refresh_from_db()
    assert row.due_at == row.expected_at + timedelta(minutes=20)  # type: ignore[operator]

    late = silent("other", minutes=81)
    assert sweep(nobody).reasons == {EffectReason.MISSED: 1}
    incident = Incident.objects.get()
    assert (incident.monitor, incident.kind, incident.failure) == (late.monitor, "heartbeat", "missed")
    assert incident.title == "other missed its ping"
    assert incident.started_at == late.expected_at + timedelta(minutes=20)  # type: ignore[operator]
    assert "(every 1 h), grace 20 min; the last success came at" in incident.transitions.get().text
    assert MonitorState.objects.get(monitor=late.monitor).status == Status.DOWN


def test_nothing_is_judged_while_nobody_receives() -> None:
    silent()
    assert sweep(nobody).reasons == {}
    Reception.objects.create(heard_at=ago(minutes=60))
    assert sweep(nobody).reasons == {}


def test_1_silent_jobs_get_a_fair_wait_after_an_outage_of_vigil() -> None:
    rows = [silent(f"job {number}", minutes=90 + number) for number in range(20)]
    dead = silent("dead before", minutes=300)
    # Away for an hour: from before anyone but one was due, until just now.
    begun, ended = ago(minutes=62), ago(seconds=2)
    ReceptionGap.objects.create(begin=begun, end=ended)
    listening()

    assert sweep(nobody).reasons == {EffectReason.WAITING: 20, EffectReason.MISSED: 1}
    assert Incident.objects.get().monitor == dead.monitor
    for row in rows:
        row.refresh_from_db()
        assert row.status == "late" and row.due_at is not None
        assert ended < row.due_at <= ended + LONGEST_WAIT
    assert sweep(nobody).reasons == {}, "who waits is not looked at again before its time"
    apply_entries([logged(call(rows[0], ended + timedelta(seconds=1)))], nobody)
    assert Heartbeat.objects.get(pk=rows[0].pk).status == "up"


@pytest.mark.django_db(transaction=True)
def test_1_who_stays_silent_after_an_outage_of_vigil_is_told_of_in_one_message() -> None:
    hook = {"name": "hook", "kind": "webhook", "config": {"url": "http://127.0.0.1:9/"}}
    channel = save_channel(Channel(team=default_team()), hook)
    rows = [silent(f"job {number}", minutes=90 + number) for number in range(20)]
    gap = ReceptionGap.objects.create(begin=ago(minutes=65), end=ago(seconds=302))
    listening()
    assert sweep(enqueue).reasons == {EffectReason.MISSED: 20}
    assert set(Incident.objects.values_list("cause_key", flat=True)) == {f"unheard:{gap.end:%Y-%m-%dT%H:%M:%S}"}
    assert f"Vigil could not receive from {gap.begin:%H:%M:%S} to " in Transition.objects.all()[0].text
    assert [(one.destination.id, one.tells) for one in claim({}, 8, [])] == [(channel.pk, len(rows))]


@pytest.mark.parametrize("server", ["redis", "postgresql", "both"])
def test_1_what_any_server_took_leaves_no_gap_whatever_is_read_first(server: str) -> None:
    """The log stood still and PostgreSQL took the pings; then both are read in one turn, the newer first."""
    row = job()
    Reception.objects.create(heard_at=ago(seconds=40))
    seconds = [40 - second for second in range(1, 40)]
    spooled = {"redis": [], "postgresql": seconds[:-1], "both": seconds[5:30]}[server]
    for second in spooled:
        entry = logged(call(row, ago(seconds=second)), beat=ago(seconds=second)).entry
        SpooledEntry.objects.create(entry=encode(entry))
    logs = [logged(beat=ago(seconds=second)) for second in seconds if second not in spooled]
    apply_entries(logs, nobody)
    assert not ReceptionGap.objects.exists()
    assert Reception.objects.get().heard_at > ago(seconds=3)


def test_1_pings_without_beats_are_reception_as_well() -> None:
    row = job()
    Reception.objects.create(heard_at=ago(seconds=20))
    for second in (18, 16, 14, 12, 10):
        apply_entries([logged(call(row, ago(seconds=second)))], nobody)
    apply_entries([logged(beat=ago(seconds=1))], nobody)
    only = ReceptionGap.objects.get()
    assert 8 < (only.end - only.begin).total_seconds() < 10


def test_1_the_log_does_not_pass_what_waits_in_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """More is spooled than one turn takes: the watermark of a newer entry of the log comes after all of it."""
    monkeypatch.setattr("vigil.heartbeats.apply.SPOOL_BATCH", 2)
    row = silent(minutes=79)
    for _ in range(7):
        SpooledEntry.objects.create(entry=encode(logged(call(row, ago(minutes=1))).entry))
    apply_each([logged(beat=ago(seconds=0))], nobody, isolation(LetterSource.HEARTBEATS))
    assert not SpooledEntry.objects.exists()
    assert sweep(nobody).reasons == {}


def test_a_paused_heartbeat_is_not_swept_and_its_incident_is_ended_by_ingest() -> None:
    row = silent()
    listening()
    sweep(nobody)
    assert Incident.objects.get().resolved_at is None

    from vigil.incidents.sweep import reconcile_monitors

    set_paused(row, True)
    reconcile_monitors(nobody)
    assert Incident.objects.get().transitions.last().reason == "monitor_paused"  # type: ignore[union-attr]
    row.refresh_from_db()
    assert (row.status, row.trouble, row.due_at) == ("paused", "", None)
    assert sweep(nobody).reasons == {}


def test_a_pause_through_the_monitor_is_followed_and_the_wait_starts_again_after_it() -> None:
    row = silent()
    monitors.set_paused(row.monitor, True)
    listening()
    assert sweep(nobody).reasons == {}
    assert follow_monitors([row.monitor.public_id]) == 1
    monitors.set_paused(row.monitor, False)
    assert follow_monitors() == 1
    row.refresh_from_db()
    assert row.status == "new"
    assert row.expected_at is not None
    assert row.expected_at > ago(minutes=-59)
    assert sweep(nobody).reasons == {}


def test_a_deleted_heartbeat_frees_its_name_and_slug_and_hears_nothing_any_more() -> None:
    row = silent()
    address = row.code
    delete_heartbeat(row)
    sent = call(Heartbeat(code=address), ago(minutes=1))
    assert apply_entries([logged(sent)], nobody).unknown == 1
    assert job().slug == "nightly"

    other = silent("other")
    monitors.delete_monitor(other.monitor)
    follow_monitors()
    assert job("other").slug == "other"


def test_an_address_that_was_rotated_means_nothing_any_more() -> None:
    row = job()
    old = call(row, ago(minutes=2))
    fresh = rotate_address(row)
    assert apply_entries([logged(old, call(fresh, ago(minutes=1)))], nobody).unknown == 1


def test_a_new_schedule_starts_the_wait_again() -> None:
    row = silent(minutes=70)
    listening()
    sweep(nobody)
    update_heartbeat(row, {"period_s": 7_200})
    row.refresh_from_db()
    assert (row.status, row.period_s) == ("up", 7_200)
    assert sweep(nobody).reasons == {}
    update_heartbeat(row, {"name": "renamed"})
    row.refresh_from_db()
    assert row.monitor.name == "renamed"


def test_the_operator_is_told_once_when_nobody_receives_and_once_when_somebody_does() -> None:
    told: list[Transition] = []
    Reception.objects.create(heard_at=ago(seconds=30))
    receiver_gaps.alert_on_silence(told.append)
    Reception.objects.update(heard_at=ago(seconds=90))
    for _ in range(3):
        receiver_gaps.alert_on_silence(told.append)
    Reception.objects.update(heard_at=ago())
    for _ in range(3):
        receiver_gaps.alert_on_silence(told.append)
    assert [(step.step, step.reason) for step in told] == [
        ("opened", "not_receiving"),
        ("resolved", "receiving_again"),
    ]


def in_threads(count: int, work: object) -> None:
    """Run the same work in so many threads at the same moment, each with a connection of its own."""
    barrier = threading.Barrier(count)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        barrier.wait(10)
        try:
            work(number)  # type: ignore[operator]
        except BaseException as failure:  # noqa: BLE001 - shown by the test
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failures


@pytest.mark.django_db(transaction=True)
def test_ten_sweepers_and_pings_in_the_same_millisecond_make_one_transition_for_each_change() -> None:
    Channel.objects.create(team=default_team(), name="hook", kind="webhook", config={"url": "http://127.0.0.1:9/"})
    rows = [silent(f"job {number}") for number in range(12)]
    listening()
    now = ago()
    entries = [[logged(call(row, now, PingKind.FAIL), call(row, now, PingKind.FAIL))] for row in rows[:6]]
    flat = [each for pair in entries for each in pair]

    def work(number: int) -> None:
        if number < 10:
            for _ in range(3):
                sweep(enqueue, limit=4)
        else:
            apply_entries(flat, enqueue)

    in_threads(13, work)
    sweep(enqueue)

    assert Incident.objects.filter(resolved_at=None).count() == 12
    assert Transition.objects.count() == 12
    assert Delivery.objects.filter(event="trigger").count() == 12
    assert set(Heartbeat.objects.values_list("status", flat=True)) == {"down"}

    back = [logged(*(call(row, ago()) for row in rows))]
    in_threads(8, lambda number: sweep(enqueue) if number % 2 else apply_entries(back, enqueue))

    assert not Incident.objects.filter(resolved_at=None).exists()
    assert Transition.objects.count() == 24
    assert Delivery.objects.filter(event="resolve").count() == 12
    assert set(Heartbeat.objects.values_list("status", "pings")) == {("up", 4), ("up", 2)}


def test_a_job_that_a_maintenance_window_pauses_is_excused_until_it_ends() -> None:
    row = silent(minutes=90)
    listening()
    now = database_now()
    times = {"starts_at": now - timedelta(minutes=60), "ends_at": now + timedelta(hours=2)}
    wanted = {"name": "move", "mutes": False, "pauses": True, **times}
    window = create_silence(Silence(team=default_team()), wanted, [row.monitor])
    assert sweep(nobody).reasons == {EffectReason.EXCUSED: 1}
    row.refresh_from_db()
    assert row.expected_at is not None and row.expected_at > times["ends_at"]
    assert window.ends_at == times["ends_at"] and not Incident.objects.exists()


def test_a_job_that_matters_more_is_told_where_routes_ask_for_its_priority() -> None:
    team = default_team()
    pager, chat = (
        save_channel(Channel(team=team), {"name": name, "kind": "webhook", "config": {"url": "https://x.test"}})
        for name in ("pager", "chat")
    )
    save_route(Route(team=team), {"name": "urgent", "priorities": ["high"], "channels": [pager], "position": 1})
    save_route(Route(team=team), {"name": "rest", "channels": [chat], "position": 2})
    silent("nightly", minutes=81)
    update_heartbeat(silent("billing", minutes=81), {"priority": "high"})
    listening()
    sweep(enqueue)
    told = Delivery.objects.values_list("incident__monitor__name", "channel__name")
    assert set(told) == {("nightly", "chat"), ("billing", "pager")}


def test_a_composite_over_a_heartbeat_follows_it_in_the_same_transaction() -> None:
    row = silent()
    whole = create_composite(default_team(), {"name": "pipeline", "rule": "all", "members": [Member(row.monitor)]})
    MonitorState.objects.get_or_create(monitor=whole.monitor)
    listening()
    sweep(nobody)
    assert set(Incident.objects.filter(resolved_at=None).values_list("monitor__name", flat=True)) == {
        "nightly",
        "pipeline",
    }
    apply_entries([logged(call(row, ago()))], nobody)
    assert MonitorState.objects.get(monitor=row.monitor).status == Status.UP


def test_s7_a_slug_that_looks_deleted_is_refused_and_stops_no_deletion() -> None:
    gone, squatter = job("gone"), job("squatter")
    Heartbeat.objects.filter(pk=squatter.pk).update(slug=f"deleted-{gone.pk}")
    with pytest.raises(ValidationError, match="reserved"):
        job("other", slug=f"deleted-{gone.pk}")
    assert read_target(f"/ping/{'z' * 22}/deleted-{gone.pk}?create=1") is None
    assert job("Deleted 7").slug == "job-deleted-7"

    monitors.delete_monitor(gone.monitor)
    assert follow_monitors() == 1
    gone.refresh_from_db()
    assert gone.slug.startswith("deleted-")
    assert gone.slug != f"deleted-{gone.pk}"


def test_s7_a_heartbeat_deleted_as_a_monitor_is_deleted_as_a_heartbeat() -> None:
    row = job()
    assert Api(row.team)("DELETE", f"monitors/{row.monitor.public_id}")[0] == 204
    row.refresh_from_db()
    assert (row.slug.startswith("deleted-"), row.status) == (True, "paused")
    assert job(slug=row.monitor.name).slug == row.monitor.name


@pytest.mark.parametrize("may", [True, False])
def test_s07_the_admin_deletes_a_heartbeat_among_the_monitors_by_its_own_permission(client: Client, may: bool) -> None:
    row = job()
    staff = User.objects.create_user("sam", is_staff=True)
    names = ["view_monitor", "change_monitor", "delete_monitor"] + ["delete_heartbeat"] * may
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(staff)
    one = reverse("admin:monitors_monitor_delete", args=[row.monitor.pk])
    assert client.post(one, {"post": "yes"}).status_code == (302 if may else 403)
    every = {"action": "delete_selected", "_selected_action": [row.monitor.pk], "post": "yes"}
    client.post(reverse("admin:monitors_monitor_changelist"), every)
    row.refresh_from_db()
    assert row.slug.startswith("deleted-") is may

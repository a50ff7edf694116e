"""The admin of routes, silences, on-call and incidents does through forms what the write paths do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Team, User
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.models import Channel, EscalationPolicy, Person, Rotation, Route
from vigil.alerts.outbox import enqueue
from vigil.alerts.routing.changes import save_person, save_rotation
from vigil.clock import database_now
from vigil.incidents.models import Incident, Transition
from vigil.monitors.models import Monitor
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db
ROUTE = {"name": "office", "position": "1", "tags": "ai", "zone": "Europe/Berlin", "kinds": ["outage"]}
SILENCE = {"name": "nightly", "tags": "", "every_monitor": "on", "mutes": "on", "zone": "UTC", "duration_s": "3600"}


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


@pytest.fixture
def incident() -> Incident:
    team, now = default_team(), database_now()
    save_channel(Channel(team=team), {"name": "ops", "kind": "webhook", "config": {"url": "https://x.test"}})
    monitor = Monitor.objects.create(team=team, name="api", kind="http", config={})
    made = Incident.objects.create(
        team=team, monitor=monitor, kind="outage", title="api is down", started_at=now, opened_at=now, steps=1
    )
    step = Transition.objects.create(incident=made, seq=1, step="opened", reason="confirmed", at=now)
    with transaction.atomic():
        enqueue(step)
    return made


def form(page: str, client: Client, **fields: Any) -> str:
    answer = client.post(reverse(f"admin:{page}"), {"team": default_team().pk, **fields}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_route_is_made_with_its_channels_days_and_times(boss: Client, incident: Incident) -> None:
    channel = Channel.objects.get()
    form("alerts_route_add", boss, **ROUTE, days=["0", "4"], starts="09:00", ends="17:00", channels=[channel.pk])
    made = Route.objects.get()
    assert (made.days, made.kinds, made.tags, list(made.channels.all())) == ([0, 4], ["outage"], ["ai"], [channel])
    listed = boss.get(reverse("admin:alerts_route_changelist")).content.decode()
    assert "outage, ai, Mon Fri 09:00 to 17:00 Europe/Berlin" in listed and "Who would be alerted?" in listed


def test_a_route_that_could_not_be_followed_is_refused_beside_its_field(boss: Client) -> None:
    page = form("alerts_route_add", boss, **{**ROUTE, "zone": "Mars/Base", "starts": "09:00"})
    assert "Unknown time zone" in page and "Give both times or none" in page
    assert not Route.objects.exists()


def test_who_would_be_told_is_a_page_that_changes_nothing(boss: Client, incident: Incident) -> None:
    path = reverse("admin:alerts_route_whom")
    assert boss.get(path).status_code == 200
    asked: dict[str, Any] = {"team": default_team().pk, "monitor": "api", "kind": "outage"}
    page = boss.get(path, asked).content.decode()
    assert "Alerted about a critical outage" in page and "ops" in page and "every channel is alerted" in page
    Route.objects.create(team=default_team(), name="none")
    assert "No channel would ever be alerted." in boss.get(path, asked).content.decode()
    assert "no monitor of this name" in boss.get(path, {**asked, "monitor": "nothing"}).content.decode()


def test_the_usual_set_up_is_one_form(boss: Client) -> None:
    keys = {"routing_key": "0" * 32, "slack_url": "https://hooks.slack.example/fake"}
    page = form("alerts_route_typical", boss, **keys)
    assert "Made: channel PagerDuty" in page and Route.objects.count() == 6
    assert "no such thing" not in page and "0" * 32 not in page
    assert "32 letters and digits" in form("alerts_route_typical", boss, **{**keys, "routing_key": "short"})


def test_a_silence_is_made_changed_ended_and_deleted(boss: Client) -> None:
    now = database_now()
    form("silences_silence_add", boss, **SILENCE, cron=f"{now.minute} {now.hour} * * *")
    made = Silence.objects.get()
    assert made.created_by == "admin"
    changed = {**SILENCE, "cron": made.cron, "reason": "backups", "team": default_team().pk}
    assert boss.post(reverse("admin:silences_silence_change", args=[made.pk]), changed).status_code == 302
    valid = Silence.objects.get(valid_until=None)
    assert (valid.public_id, valid.reason) == (made.public_id, "backups") and Silence.objects.count() == 2
    action = {"action": "end_windows", "_selected_action": [valid.pk]}
    page = boss.post(reverse("admin:silences_silence_changelist"), action, follow=True).content.decode()
    assert "continues with its next window" in page
    last = Silence.objects.get(valid_until=None)
    boss.post(reverse("admin:silences_silence_delete", args=[last.pk]), {"post": "yes"})
    assert not Silence.objects.filter(valid_until=None).exists() and Silence.objects.count() == 3


def test_a_silence_without_a_time_is_refused_beside_its_field(boss: Client) -> None:
    endless = {**SILENCE, "duration_s": "0"}
    assert "Give an end or a duration" in form("silences_silence_add", boss, **endless, cron="")
    assert "five fields" in form("silences_silence_add", boss, **SILENCE, cron="0 3")
    assert not Silence.objects.exists()


def rows(prefix: str, *filled: dict[str, Any]) -> dict[str, Any]:
    fields = {f"{prefix}-TOTAL_FORMS": len(filled), f"{prefix}-INITIAL_FORMS": 0}
    for index, row in enumerate(filled):
        fields |= {f"{prefix}-{index}-{name}": value for name, value in row.items()}
    return fields


def test_a_rotation_and_a_policy_take_only_their_own_teams_people(boss: Client) -> None:
    team, other = default_team(), Team.objects.create(name="o", slug="o")
    ann = save_person(Person(team=team), {"name": "ann"})
    eve = save_person(Person(team=other), {"name": "eve"})
    base = {"name": "web", "zone": "UTC", "starts_on": "2020-01-06", "handover": "09:00", "shift_days": 7}
    none = rows("overrides")
    page = form("alerts_rotation_add", boss, **base, **none, **rows("members", {"person": eve.pk, "position": 0}))
    assert "Must belong to the same team" in page and not Rotation.objects.exists()
    form("alerts_rotation_add", boss, **base, **none, **rows("members", {"person": ann.pk, "position": 0}))
    shown = boss.get(reverse("admin:alerts_rotation_changelist")).content.decode()
    assert "ann until" in shown
    step = {"position": 0, "delay_s": 0, "people": [eve.pk]}
    assert "same team" in form("alerts_escalationpolicy_add", boss, name="p", repeats=0, **rows("steps", step))
    step["people"] = [ann.pk]
    form("alerts_escalationpolicy_add", boss, name="p", repeats=0, **rows("steps", step))
    assert EscalationPolicy.objects.get().steps.get().people.get() == ann


def test_a_rotations_page_shows_its_turns_and_its_calendar(boss: Client) -> None:
    ann = save_person(Person(team=default_team()), {"name": "ann"})
    wanted = {"name": "web", "starts_on": database_now().date() - timedelta(days=1), "people": [ann]}
    rotation = save_rotation(Rotation(team=default_team()), wanted)
    shown = boss.get(reverse("admin:alerts_rotation_change", args=[rotation.pk])).content.decode()
    assert f"/oncall/{rotation.public_id}/" in shown and "ann" in shown


def test_an_incident_is_answered_on_its_page_and_from_the_list(boss: Client, incident: Incident) -> None:
    path = reverse("admin:incidents_respond", args=[incident.pk])
    for wish in ({"do": "acknowledge"}, {"do": "note", "text": "looking"}, {"do": "snooze"}, {"do": "take_back"}):
        assert boss.post(path, wish).status_code == 302
    action = {"action": "acknowledge", "_selected_action": [incident.pk]}
    boss.post(reverse("admin:incidents_incident_changelist"), action)
    steps = list(incident.transitions.order_by("seq").values_list("step", "actor"))
    assert [step for step, _ in steps] == ["opened", "acknowledged", "note", "snoozed", "reminded", "acknowledged"]
    assert {actor for _, actor in steps[1:]} == {"admin (admin)"}
    page = boss.get(reverse("admin:incidents_incident_change", args=[incident.pk])).content.decode()
    assert "admin (admin)" in page and "everyone" in page
    assert boss.get(path).status_code == 405


def test_who_may_only_look_answers_nothing(client: Client, incident: Incident) -> None:
    viewer = User.objects.create(username="v", is_staff=True)
    client.force_login(viewer)
    assert client.post(reverse("admin:incidents_respond", args=[incident.pk]), {"do": "acknowledge"}).status_code == 403
    for page in ("alerts_route_whom", "alerts_route_typical"):
        assert client.get(reverse(f"admin:{page}")).status_code == 403
    assert incident.transitions.count() == 1

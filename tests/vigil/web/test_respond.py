"""Acknowledging by link, calls from PagerDuty and Slack, and the calendar of a rotation, over HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from icalendar import Calendar

from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.models import Channel, Delivery, Person, Pursuit, Rotation
from vigil.alerts.oncall.ack_links import MAX_AGE_S, acknowledge_link, sign
from vigil.alerts.oncall.calendar import feed_address, renew_feed_key
from vigil.alerts.outbox import enqueue
from vigil.alerts.routing.changes import save_person, save_rotation
from vigil.clock import database_now
from vigil.incidents.models import Incident, Transition
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db
SECRET = "not-a-real-secret"


@pytest.fixture
def channel() -> Channel:
    config = {"url": "https://example.com/hook"}
    return save_channel(Channel(team=default_team()), {"name": "ops", "kind": "webhook", "config": config})


@pytest.fixture
def incident(channel: Channel) -> Incident:
    return down()


def down(name: str = "<b>gateway</b>") -> Incident:
    now = database_now()
    monitor = Monitor.objects.create(team=default_team(), name=name, kind="http", config={})
    made = Incident.objects.create(
        team=default_team(), monitor=monitor, kind="outage", title="<b>gateway</b> is down", started_at=now,
        opened_at=now, steps=1,
    )  # fmt: skip
    step = Transition.objects.create(incident=made, seq=1, step="opened", reason="confirmed", at=now)
    with transaction.atomic():
        enqueue(step)
    return made


def link(incident: Incident) -> str:
    first = Delivery.objects.filter(incident=incident).earliest("id")
    return acknowledge_link(incident.public_id, first.channel.public_id).removeprefix("http://testserver")


def steps(incident: Incident) -> list[str]:
    return list(incident.transitions.order_by("seq").values_list("step", flat=True))


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_a_link_acknowledges_nothing(client: Client, incident: Incident, method: str) -> None:
    answer = getattr(client, method)(link(incident))
    assert answer.status_code == 200 and steps(incident) == ["opened"]
    assert answer["Referrer-Policy"] == "no-referrer" and "no-store" in answer["Cache-Control"]


def test_the_page_is_escaped_and_says_as_whom_one_answers(client: Client, incident: Incident, channel: Channel) -> None:
    save_person(Person(team=default_team()), {"name": "ann", "channels": [channel]})
    page = client.get(link(incident)).content.decode()
    assert "&lt;b&gt;gateway&lt;/b&gt; is down" in page and "<b>gateway" not in page
    assert "You answer as ann." in page


def test_the_form_acknowledges_once_without_a_session(incident: Incident) -> None:
    client = Client(enforce_csrf_checks=True)
    first, second = (client.post(link(incident), {"do": "acknowledge"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert "Done." in first.content.decode() and "already done" in second.content.decode()
    assert steps(incident) == ["opened", "acknowledged"]
    assert incident.transitions.get(step="acknowledged").actor == "a reader of ops (link)"


def test_the_form_snoozes_notes_and_takes_back(client: Client, incident: Incident) -> None:
    for form in ({"do": "snooze", "minutes": "60"}, {"do": "note", "text": "looking"}, {"do": "take_back"}):
        assert client.post(link(incident), form).status_code == 200
    assert steps(incident) == ["opened", "snoozed", "note", "reminded"]


@pytest.mark.parametrize("form", [{}, {"do": "delete"}, {"do": "snooze", "minutes": "61"}, {"do": "snooze"}])
def test_a_form_that_says_nothing_changes_nothing_and_leads_back(
    client: Client, incident: Incident, form: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    path = link(incident)
    answer = client.post(path, form)
    assert (answer.status_code, answer["Location"]) == (302, path)
    assert incident.public_id not in caplog.text
    assert steps(incident) == ["opened"]


def test_what_is_over_is_shown_as_over(client: Client, incident: Incident) -> None:
    Incident.objects.filter(pk=incident.pk).update(resolved_at=database_now())
    page = client.post(link(incident), {"do": "acknowledge"}).content.decode()
    assert "The incident is already resolved" in page and 'value="acknowledge"' not in page


def test_a_link_that_is_not_ours_too_old_or_of_another_incident_is_refused(
    client: Client, incident: Incident, channel: Channel
) -> None:
    good = sign(incident, channel)
    other = down("other")
    wrong = [good[:-1], good.replace(incident.public_id, other.public_id), "x", "~", "a" * 500]
    assert {client.post(f"/respond/{token}", {"do": "acknowledge"}).status_code for token in wrong} == {403}
    with time_machine.travel(time.time() + MAX_AGE_S + 5, tick=True):
        assert "more than a week old" in client.get(f"/respond/{good}").content.decode()
    assert steps(incident) == steps(other) == ["opened"]


@pytest.mark.parametrize(("wish", "most"), [("note", 20), ("snooze", 10)])
def test_s25_a_link_has_a_budget_of_notes_and_snoozes(client: Client, incident: Incident, wish: str, most: int) -> None:
    path = link(incident)
    for number in range(most):
        form = {"do": wish, "text": "looking", "minutes": ("15", "30")[number % 2]}
        assert client.post(path, form).status_code == 200
    before = steps(incident)
    assert len(before) == most + 1
    for minutes in ("60", "240"):
        assert client.post(path, {"do": wish, "text": "looking", "minutes": minutes}).status_code == 429
    assert steps(incident) == before


def test_s25_who_answers_by_the_link_of_a_person_is_named_with_the_link(
    client: Client, incident: Incident, channel: Channel
) -> None:
    save_person(Person(team=default_team()), {"name": "ann", "channels": [channel]})
    client.post(link(incident), {"do": "acknowledge"})
    assert incident.transitions.get(step="acknowledged").actor == "ann (link to ops)"


@pytest.mark.parametrize("removed", ["person", "their channel", "channel", "destination"])
def test_s25_a_link_means_nothing_once_its_person_or_channel_is_removed(
    client: Client, incident: Incident, channel: Channel, removed: str
) -> None:
    person = save_person(Person(team=default_team()), {"name": "ann", "channels": [channel]})
    path = link(incident)
    assert client.get(path).status_code == 200
    if removed == "person":
        person.delete()
    elif removed == "their channel":
        save_person(person, {"channels": []})
    elif removed == "channel":
        channel.delete()
    else:
        save_channel(channel, {"config": {"url": "https://other.test"}, "secrets": {}})
    before = steps(incident)
    assert client.get(path).status_code == client.post(path, {"do": "acknowledge"}).status_code == 403
    assert steps(incident) == before


def test_s25_a_newer_link_works_after_a_person_was_removed(
    client: Client, incident: Incident, channel: Channel
) -> None:
    save_person(Person(team=default_team()), {"name": "ann", "channels": [channel]}).delete()
    with time_machine.travel(time.time() + 2, tick=True):
        assert client.get(f"/respond/{sign(incident, channel)}").status_code == 200


def pager(kind: str, secrets: dict[str, str]) -> Channel:
    made = Channel(team=default_team())
    return save_channel(made, {"name": kind, "kind": kind, "config": {}, "secrets": secrets})


def call_pagerduty(
    client: Client, channel: Channel, event: str, incident: str, *, secret: str = SECRET, ago_s: int = 0
) -> int:
    at = (database_now() - timedelta(seconds=ago_s)).isoformat()
    event_body = {
        "event_type": event, "occurred_at": at, "agent": {"summary": "Ann"}, "data": {"incident_key": incident}
    }  # fmt: skip
    body = json.dumps({"event": event_body})
    signature = "v1=" + hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    headers = {"x-pagerduty-signature": signature}
    path = f"/hooks/{channel.public_id}"
    return client.post(path, body, content_type="application/json", headers=headers).status_code


def test_pagerduty_acknowledges_and_takes_back_once(client: Client) -> None:
    channel = pager("pagerduty", {"routing_key": "0" * 32, "webhook_secret": SECRET})
    incident = down()
    for _ in range(2):
        assert call_pagerduty(client, channel, "incident.acknowledged", incident.public_id) == 200
    assert Pursuit.objects.get(pk=incident.pk).acknowledged_by == "Ann (PagerDuty)"
    assert call_pagerduty(client, channel, "incident.unacknowledged", incident.public_id) == 200
    assert steps(incident) == ["opened", "acknowledged", "reminded"]
    # What comes late, or is played again, is news no more.
    assert call_pagerduty(client, channel, "incident.acknowledged", incident.public_id, ago_s=300) == 200
    assert steps(incident) == ["opened", "acknowledged", "reminded"]
    # PagerDuty knows: it is told of nothing that was done there.
    assert not Delivery.objects.filter(channel=channel).exclude(event="trigger").exists()


def test_a_call_with_a_wrong_signature_or_for_no_channel_gets_one_answer(client: Client, channel: Channel) -> None:
    known = pager("pagerduty", {"routing_key": "0" * 32, "webhook_secret": SECRET})
    bare = pager("slack", {"url": "https://hooks.slack.example/fake"})
    incident = down()
    wrong = [(known, "other"), (bare, SECRET), (channel, SECRET), (Channel(public_id="chn_nobody"), SECRET)]
    for one, secret in wrong:
        assert call_pagerduty(client, one, "incident.acknowledged", incident.public_id, secret=secret) == 401
    assert client.get(f"/hooks/{known.public_id}").status_code == 405
    assert steps(incident) == ["opened"]


def test_a_channel_acknowledges_only_what_it_was_told_of(client: Client, incident: Incident) -> None:
    stranger = pager("pagerduty", {"routing_key": "0" * 32, "webhook_secret": SECRET})
    assert call_pagerduty(client, stranger, "incident.acknowledged", incident.public_id) == 200
    assert steps(incident) == ["opened"]


def test_a_button_in_slack_acknowledges_and_slack_is_told_to_change_its_message(client: Client) -> None:
    channel = pager("slack", {"url": "https://hooks.slack.example/fake", "signing_secret": SECRET})
    incident = down()
    action = {"action_id": "vigil_acknowledge", "value": incident.public_id}
    payload: dict[str, Any] = {"type": "block_actions", "user": {"name": "ann"}, "actions": [action]}
    body, stamp = urlencode({"payload": json.dumps(payload)}), str(int(database_now().timestamp()))
    digest = hmac.new(SECRET.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}
    path = f"/hooks/{channel.public_id}"
    answer = client.post(path, body, content_type="application/x-www-form-urlencoded", headers=headers)
    assert answer.status_code == 200 and steps(incident) == ["opened", "acknowledged"]
    assert Delivery.objects.filter(channel=channel, event="acknowledge").count() == 1


def test_the_calendar_names_who_is_on_call_and_needs_its_address(client: Client) -> None:
    team = default_team()
    people = [save_person(Person(team=team), {"name": name}) for name in ("ann", "bob")]
    wanted = {"name": "web", "zone": "Europe/Berlin", "starts_on": date(2020, 1, 6), "people": people}
    rotation = save_rotation(Rotation(team=team), wanted)
    path = feed_address(rotation).removeprefix("http://testserver")
    answer = client.get(path)
    assert answer.status_code == 200 and answer["content-type"] == "text/calendar; charset=utf-8"
    events: list[Any] = Calendar.from_ical(answer.content).walk("VEVENT")
    assert {str(event["summary"]) for event in events} == {"ann: web", "bob: web"}
    assert len({str(event["uid"]) for event in events}) == len(events) >= 14
    assert all(earlier["dtend"].dt == later["dtstart"].dt for earlier, later in pairwise(events))
    renew_feed_key(rotation)
    assert client.get(path).status_code == 404
    assert client.get("/oncall/rot_nobody/x.ics").status_code == 404

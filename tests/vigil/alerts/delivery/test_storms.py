"""A storm from the outbox to the providers: few messages, every incident in one of them, ends after beginnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from tests.vigil.alerts.crashing import Death, Steps, provider, run_to_the_end
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.core.decision import Concern, Why
from vigil.alerts.core.pacing import AT_FIRST, PER_CHANNEL, Pace, Paces
from vigil.alerts.delivery.outcomes import resend
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.outbox import enqueue
from vigil.alerts.selftest.channel_incidents import sync_switched_off
from vigil.demo.alert_receivers import AlertReceiver, ReceiverReply
from vigil.incidents.models import Incident, Transition
from vigil.monitors.models import Monitor

Make = Callable[..., Channel]
SECRETS = {
    "webhook": {"secret": "whsec_" + "A" * 32},
    "pagerduty": {"routing_key": "f" * 32},
    "slack": {"token": "xoxb-fake"},
}


class Place:
    """Channels at a provider's stand-in, and a sender that works through all that is due, however long that takes."""

    def __init__(self, receiver: AlertReceiver, url: str) -> None:
        self.receiver, self.url, self._steps = receiver, url, Steps()

    def channel(self, kind: str, **more: Any) -> Channel:
        config = (
            {"channel": "C1", "api": f"{self.url}/slack/api"} if kind == "slack" else {"url": f"{self.url}/{kind}/x"}
        )
        wanted = {"name": kind, "kind": kind, "config": config, "secrets": SECRETS.get(kind, {}), **more}
        return save_channel(Channel(team=default_team()), wanted)

    def settle(self) -> None:
        run_to_the_end(Death(()), self._steps.live)

    def bodies(self, kind: str) -> list[Any]:
        return [took.body for took in self.receiver.at("/slack/api" if kind == "slack" else f"/{kind}/x")]

    def close(self) -> None:
        self._steps.close()


@pytest.fixture
def place(transactional_db: None) -> Iterator[Place]:
    with provider() as (receiver, url):
        made = Place(receiver, url)
        yield made
        made.close()


def open_incidents(count: int, channels: Sequence[Channel], host: str = "api.shop.test") -> list[Incident]:
    now, team = datetime.now(UTC), default_team()
    found = []
    with transaction.atomic():
        for number in range(count):
            config = {"url": f"https://{host}/{number}"}
            monitor = Monitor.objects.create(team=team, name=f"{host} {number}", kind="http", config=config)
            incident = Incident.objects.create(
                team=team, monitor=monitor, kind="outage", title=f"{number} is down", failure="timeout",
                started_at=now, opened_at=now, steps=1,
            )  # fmt: skip
            step = Transition.objects.create(incident=incident, seq=1, step="opened", reason="confirmed", at=now)
            enqueue(step, {channel.pk: Concern(Why.ROUTED) for channel in channels})
            found.append(incident)
    return found


def end(incidents: Sequence[Incident]) -> None:
    for incident in incidents:
        incident.refresh_from_db()
        incident.steps += 1
        incident.resolved_at = datetime.now(UTC)
        incident.save()
        with transaction.atomic():
            at = datetime.now(UTC)
            enqueue(
                Transition.objects.create(
                    incident=incident, seq=incident.steps, step="resolved", reason="recovered", at=at
                )
            )


def test_a_storm_is_one_page_and_one_digest_that_names_every_other(place: Place) -> None:
    channel = place.channel("webhook")
    incidents = open_incidents(40, [channel])
    place.settle()
    first, digest = place.bodies("webhook")
    assert first["type"] == "incident.triggered" and digest["type"] == "incidents.triggered"
    named = {first["incident"]["id"], *(one["id"] for one in digest["incidents"])}
    assert named == {incident.public_id for incident in incidents}
    assert digest["summary"] == "DOWN: 39 incidents (host api.shop.test)"
    leader = Delivery.objects.get(tells=39)
    assert leader.led.count() == 38 and digest["delivery"] == leader.public_id
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert digest["dedup_key"] == leader.public_id


def test_the_ends_of_a_storm_are_gathered_as_well(place: Place) -> None:
    channel = place.channel("webhook")
    incidents = open_incidents(40, [channel])
    place.settle()
    end(incidents)
    place.settle()
    ends = place.bodies("webhook")[2:]
    assert [body["type"] for body in ends] == ["incident.resolved", "incidents.resolved"]
    assert len(ends[1]["incidents"]) == 39


def test_a_channel_that_wants_each_on_its_own_gets_each_on_its_own(place: Place) -> None:
    open_incidents(30, [place.channel("webhook", gather=False)])
    place.settle()
    assert [body["type"] for body in place.bodies("webhook")] == ["incident.triggered"] * 30


def test_pagerduty_keeps_a_digest_open_until_its_last_incident_is_over(place: Place) -> None:
    channel = place.channel("pagerduty")
    first, second, third, fourth = open_incidents(4, [channel])
    place.settle()
    page, digest = place.bodies("pagerduty")
    assert (page["dedup_key"], page["event_action"]) == (first.public_id, "trigger")
    assert len(digest["payload"]["custom_details"]["incidents"]) == 3
    for ended in ([second], [fourth], [first], [third]):
        end(ended)
        place.settle()
    rest = [(body["event_action"], body["dedup_key"]) for body in place.bodies("pagerduty")[2:]]
    assert rest == [
        ("trigger", digest["dedup_key"]),
        ("trigger", digest["dedup_key"]),
        ("resolve", first.public_id),
        ("resolve", digest["dedup_key"]),
    ]


def test_slack_updates_the_message_that_it_posted(place: Place) -> None:
    (incident,) = open_incidents(1, [place.channel("slack")])
    place.settle()
    end([incident])
    place.settle()
    posted, updated, reply = place.receiver.at("/slack/api")
    assert (posted.path, updated.path, reply.path) == (
        "/slack/api/chat.postMessage", "/slack/api/chat.update", "/slack/api/chat.postMessage",
    )  # fmt: skip
    assert (
        updated.body["ts"] == reply.body["thread_ts"] == Delivery.objects.get(event="trigger").reference.split(":")[1]
    )
    assert "RESOLVED" in updated.body["text"]


def test_a_digest_that_was_refused_is_a_dead_letter_that_can_be_sent_again_whole(place: Place) -> None:
    channel = place.channel("webhook")
    place.receiver.script["/webhook/x"].extend([ReceiverReply(200), ReceiverReply(400), ReceiverReply(200)])
    open_incidents(5, [channel])
    place.settle()
    assert Delivery.objects.filter(state="dead").count() == 4
    leader = Delivery.objects.get(tells=4)
    assert resend(leader)
    place.settle()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert len(place.bodies("webhook")[-1]["incidents"]) == 4


def test_a_channel_that_refuses_three_incidents_is_switched_off_and_says_so(place: Place) -> None:
    bad, good = place.channel("webhook", gather=False), place.channel("pagerduty")
    place.receiver.script["/webhook/x"].append(ReceiverReply(403))
    open_incidents(2, [bad, good])
    place.settle()
    bad.refresh_from_db()
    assert bad.enabled and len(bad.refused) == 2
    open_incidents(1, [bad, good], host="other.test")
    place.settle()
    switched_off = Channel.objects.get(pk=bad.pk)
    assert not switched_off.enabled and "403" in switched_off.disabled_why
    assert sync_switched_off() == 1 and sync_switched_off() == 0
    place.settle()
    notice = place.bodies("pagerduty")[-1]
    assert (
        notice["payload"]["summary"]
        == "CHANNEL OFF: Channel webhook is switched off: it refused three incidents in a row"
    )
    assert "403" in notice["payload"]["custom_details"]["text"]
    assert not Incident.objects.get(kind="channel").deliveries.filter(channel=bad).exists()
    save_channel(bad, {"enabled": True})
    assert bad.refused == [] and sync_switched_off() == 1
    place.settle()
    assert place.bodies("pagerduty")[-1]["event_action"] == "resolve"


def test_one_accepted_message_forgives_what_was_refused_before(place: Place) -> None:
    channel = place.channel("webhook", gather=False)
    place.receiver.script["/webhook/x"].extend([ReceiverReply(400), ReceiverReply(400), ReceiverReply(200)])
    for number in range(3):
        open_incidents(1, [channel], host=f"h{number}.test")
        place.settle()
    channel.refresh_from_db()
    assert channel.enabled and channel.refused == []


def test_what_waits_for_a_channel_that_is_switched_off_is_a_dead_letter(place: Place) -> None:
    channel, fallback = place.channel("webhook"), place.channel("pagerduty", fallback=True)
    open_incidents(1, [channel])
    Channel.objects.filter(pk=channel.pk).update(enabled=False)
    place.settle()
    letter = Delivery.objects.get(channel=channel)
    assert (letter.state, letter.last_error) == ("dead", "the channel is switched off")
    assert Delivery.objects.get(channel=fallback).state == "sent"


def test_the_rest_of_an_incident_waits_for_its_digest(place: Place) -> None:
    channel = place.channel("webhook")
    place.receiver.script["/webhook/x"].extend([ReceiverReply(200), ReceiverReply(503), ReceiverReply(200)])
    incidents = open_incidents(4, [channel])
    place.settle()
    end(incidents[1:2])
    Delivery.objects.filter(event="resolve").update(due_at=Now() - timedelta(hours=1))
    place.settle()
    types = [body["type"] for body in place.bodies("webhook")]
    assert types == ["incident.triggered", "incidents.triggered", "incidents.triggered", "incident.resolved"]
    assert len({body["delivery"] for body in place.bodies("webhook")[1:3]}) == 1


def test_a_pace_lets_a_burst_go_and_then_one_at_a_time() -> None:
    paces, slow = Paces(), Pace(per_s=0.5, burst=2)
    assert [paces.begin(1, slow, 0.0) for _ in range(4)] == [0.0, 0.0, 2.0, 4.0]
    assert paces.begin(2, slow, 0.0) == 0.0


def test_a_channel_has_more_under_way_once_it_answers_and_one_message_while_it_does_not() -> None:
    paces, quick = Paces(), Pace(per_s=1000, burst=1000)
    paces.begin(1, quick, 0.0)
    assert paces.room(0.0)[1] == AT_FIRST - 1
    for expected in (4, 8, PER_CHANNEL):
        paces.end(1, answered=True)
        assert paces.room(0.0)[1] == expected
        paces.begin(1, quick, 0.0)
    paces.end(1, answered=False)
    assert paces.room(0.0)[1] == 1


def test_a_receiver_that_wants_to_be_left_alone_is_left_alone_by_all_messages() -> None:
    paces, quick = Paces(), Pace(per_s=1000, burst=1000)
    paces.begin(1, quick, 0.0)
    paces.rest(1, 30.0)
    assert paces.room(29.0)[1] == 0
    assert paces.room(30.1)[1] == AT_FIRST - 1

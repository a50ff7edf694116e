"""A synthetic incident through real channels: its deliveries are the proof, without which no outside watch is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F

from tests.vigil.feeds.server import FeedServer
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.models import Channel, Delivery, OutsidePing, SelfTest
from vigil.alerts.outbox import enqueue
from vigil.alerts.routing.rules import load_rules
from vigil.alerts.selftest.deadman import DeadmanSwitch, deadman_status, record_ping
from vigil.alerts.selftest.selftest import all_participants, run_self_tests
from vigil.configuration import AlertEgress
from vigil.incidents.models import Incident, Transition

pytestmark = pytest.mark.django_db(transaction=True)
Webhook = Callable[..., Channel]
Until = Callable[..., None]


def proof(test: SelfTest) -> list[tuple[str, str, str]]:
    rows = Delivery.objects.filter(incident=test.incident).order_by("pk").select_related("channel")
    return [(row.channel.name, row.event, row.state) for row in rows]


def ended(until: Until) -> SelfTest:
    """The newest test, once it has gone all its way."""

    def is_over() -> bool:
        run_self_tests()
        newest = SelfTest.objects.order_by("pk").last()
        return newest is not None and newest.ended_at is not None

    until(is_over, within_s=40)
    newest = SelfTest.objects.order_by("pk").last()
    assert newest is not None
    return newest


def time_passes(minutes: float) -> None:
    earlier = timedelta(minutes=minutes)
    Delivery.objects.update(created_at=F("created_at") - earlier, sent_at=F("sent_at") - earlier)
    SelfTest.objects.update(begun_at=F("begun_at") - earlier)


def test_it_goes_all_the_way_and_leaves_its_proof(
    receiver: object, webhook: Webhook, sender: None, until: Until
) -> None:
    webhook("/tested", self_test_minutes=1440)
    webhook("/spared")
    test = ended(until)
    assert test.passed is True
    assert sorted(proof(test)) == [
        ("/tested", "resolve", "sent"),
        ("/tested", "trigger", "sent"),
        ("Loopback (self-test)", "resolve", "sent"),
        ("Loopback (self-test)", "trigger", "sent"),
    ]
    posts = receiver.at("/tested")  # type: ignore[attr-defined]
    assert [post["body"]["incident"]["kind"] for post in posts] == ["self_test", "self_test"]
    assert posts[0]["body"]["test"] is True
    assert posts[0]["body"]["summary"] == "TEST: SELF-TEST: Alert delivery check"
    assert posts[1]["body"]["text"] == "The self-test is over."
    assert receiver.at("/spared") == []  # type: ignore[attr-defined]
    assert run_self_tests() == 0, "neither is due again"


def test_the_loopback_goes_on_and_the_others_wait_for_their_time(webhook: Webhook, sender: None, until: Until) -> None:
    webhook("/tested", self_test_minutes=60)
    ended(until)
    time_passes(6)
    assert {name for name, _, _ in proof(ended(until))} == {"Loopback (self-test)"}
    time_passes(60)
    assert {name for name, _, _ in proof(ended(until))} == {"Loopback (self-test)", "/tested"}


def test_a_channel_that_refuses_is_named_and_outside_hears_nothing_until_it_accepts(
    receiver: object, webhook: Webhook, sender: None, until: Until
) -> None:
    webhook("/tested", self_test_minutes=1440)
    receiver.answers["/tested"] = [403]  # type: ignore[attr-defined]
    assert ended(until).passed is False
    assert "/tested did not accept its self-test" in deadman_status().doubt

    told = Incident.objects.get(kind="channel")
    assert told.title == "/tested did not accept its self-test"
    assert "answered 403" in told.transitions.get().text

    receiver.answers["/tested"] = [200]  # type: ignore[attr-defined]
    time_passes(6)
    assert ended(until).passed is True
    assert deadman_status().doubt == ""
    told.refresh_from_db()
    assert told.resolved_at is not None and "again" in told.transitions.last().text  # type: ignore[union-attr]


def test_without_a_sender_nothing_is_proven_and_the_test_ends_all_the_same(webhook: Webhook) -> None:
    webhook("/tested", self_test_minutes=1440)
    assert run_self_tests() == 1
    assert run_self_tests() == 0
    assert deadman_status().doubt == "no self-test has passed yet"
    time_passes(2)
    run_self_tests()
    assert Transition.objects.filter(step="resolved").count() == 1
    time_passes(2)
    run_self_tests()
    test = SelfTest.objects.order_by("pk").first()
    assert test is not None and test.passed is False
    assert {state for _, _, state in proof(test)} == {"dead"}


def test_two_at_once_begin_one(webhook: Webhook) -> None:
    together = threading.Barrier(2)
    begun: list[int] = []

    def begin() -> None:
        together.wait(10)
        begun.append(run_self_tests())
        connection.close()

    default_team()
    threads = [threading.Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(begun) == 1 and SelfTest.objects.count() == 1


def test_another_teams_channels_have_a_test_of_their_own(webhook: Webhook, sender: None, until: Until) -> None:
    other = Team.objects.create(name="Other", slug="other")
    channel = webhook("/tested", self_test_minutes=60)
    Channel.objects.filter(pk=channel.pk).update(team=other)
    assert run_self_tests() == 2
    until(lambda: run_self_tests() == 0 and not SelfTest.objects.filter(ended_at=None).exists(), within_s=40)
    test = SelfTest.objects.get(team=other)
    assert {name for name, _, _ in proof(test)} == {"/tested"} and test.passed


def test_the_loopback_is_told_of_nothing_else(webhook: Webhook, step: Callable[..., Transition]) -> None:
    run_self_tests()
    assert all_participants()[0].loopback
    assert load_rules(default_team().pk) == ([], frozenset())
    channel = webhook("/real")
    with transaction.atomic():
        assert [one.channel for one in enqueue(step())] == [channel]


@pytest.mark.parametrize("minutes", [1, 4, 50_000])
def test_how_often_has_its_bounds(webhook: Webhook, minutes: int) -> None:
    with pytest.raises(ValidationError, match="5 to 43200"):
        save_channel(webhook("/x"), {"self_test_minutes": minutes})


def test_the_outside_is_pinged_only_after_proof_and_says_what_came_of_it(sender: None, until: Until) -> None:
    server = FeedServer()
    try:

        async def ping(path: str) -> str:
            outside = DeadmanSwitch(server.url(path), AlertEgress.PRIVATE)
            try:
                return await outside.ping()
            finally:
                await outside.close()

        assert deadman_status().doubt == "no self-test has passed yet"
        ended(until)
        assert (deadman_status().due, deadman_status().doubt) == (True, "")
        assert asyncio.run(ping("/feed")) == ""
        record_ping("")
        assert deadman_status().due is False
        assert asyncio.run(ping("/gone")) == "it answered 503"
        record_ping("it answered 503")
        last = OutsidePing.objects.get()
        assert last.problem == "it answered 503" and last.ok_at is not None and last.ok_at < last.asked_at

        time_passes(11)
        OutsidePing.objects.update(asked_at=F("asked_at") - timedelta(minutes=2))
        assert deadman_status().doubt.startswith("the last self-test that passed was at")
    finally:
        server.close()


def test_old_tests_are_forgotten_with_their_incidents(sender: None, until: Until) -> None:
    first = ended(until)
    SelfTest.objects.update(ended_at=F("ended_at") - timedelta(days=4))
    time_passes(6)
    ended(until)
    assert not Incident.objects.filter(pk=first.incident_id).exists()

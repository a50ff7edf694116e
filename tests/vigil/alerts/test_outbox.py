"""Deliveries are written with their transition, once, to each channel that is to be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.alerts.delivery.fallback import escalate
from vigil.alerts.models import Channel, Delivery, Route
from vigil.alerts.outbox import enqueue
from vigil.incidents.models import Transition

pytestmark = pytest.mark.django_db
Step = Callable[..., Transition]
Webhook = Callable[..., Channel]


def told(step: Transition) -> set[tuple[str, str]]:
    return {(one.channel.name, one.event) for one in enqueue(step)}


def route(*channels: Channel, **fields: Any) -> Route:
    made = Route.objects.create(team=default_team(), name="r", **fields)
    made.channels.set(channels)
    return made


def test_every_channel_is_told_of_an_outage_and_its_end(step: Step, webhook: Webhook) -> None:
    webhook("/a"), webhook("/b")
    opened = step()
    assert told(opened) == {("/a", "trigger"), ("/b", "trigger")}
    assert told(step("resolved", opened.incident)) == {("/a", "resolve"), ("/b", "resolve")}


def test_writing_twice_is_writing_once(step: Step, webhook: Webhook) -> None:
    webhook("/a")
    opened = step()
    first, second = enqueue(opened), enqueue(opened)
    assert [one.pk for one in first] == [one.pk for one in second]
    assert Delivery.objects.count() == 1


def test_a_transaction_that_fails_leaves_no_delivery(step: Step, webhook: Webhook) -> None:
    webhook("/a")
    opened = step()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue(opened)
        raise ZeroDivisionError
    assert not Delivery.objects.exists()


def test_neither_disabled_nor_fallback_channels_are_told(step: Step, webhook: Webhook) -> None:
    webhook("/off", enabled=False), webhook("/fallback", fallback=True), webhook("/a")
    assert told(step()) == {("/a", "trigger")}


def test_with_only_fallback_channels_they_are_told(step: Step, webhook: Webhook) -> None:
    webhook("/fallback", fallback=True)
    assert told(step()) == {("/fallback", "trigger")}


def test_channels_of_other_teams_are_not_told(step: Step, webhook: Webhook) -> None:
    other = webhook("/other")
    Channel.objects.filter(pk=other.pk).update(team=Team.objects.create(name="o", slug="o"))
    assert told(step()) == set()


def test_the_end_goes_to_whoever_was_told_whatever_the_routes_say_now(step: Step, webhook: Webhook) -> None:
    first, second = webhook("/a"), webhook("/b")
    rule = route(first)
    opened = step()
    assert told(opened) == {("/a", "trigger")}
    rule.channels.set([second])
    assert told(step("resolved", opened.incident)) == {("/a", "resolve")}


def test_nobody_told_of_the_beginning_is_told_of_the_end(step: Step, webhook: Webhook) -> None:
    opened = step(kind="regional")
    webhook("/a")
    assert told(opened) == set()
    assert told(step("resolved", opened.incident)) == set()


def test_notes_go_only_where_a_route_wants_them(step: Step, webhook: Webhook) -> None:
    channel = webhook("/a")
    opened = step()
    enqueue(opened)
    assert told(step("note", opened.incident)) == set()
    route(channel, notes=True)
    assert told(step("note", opened.incident)) == {("/a", "note")}


def test_an_incident_that_gets_worse_is_told_to_old_and_new_channels(step: Step, webhook: Webhook) -> None:
    quiet, loud = webhook("/quiet"), webhook("/loud")
    route(quiet, kinds=["degraded"], position=1), route(loud, kinds=["outage"], position=2)
    opened = step(kind="degraded")
    assert told(opened) == {("/quiet", "trigger")}
    opened.incident.kind = "outage"
    opened.incident.save()
    assert told(step("changed", opened.incident)) == {("/quiet", "trigger"), ("/loud", "trigger")}
    assert told(step("resolved", opened.incident)) == {("/quiet", "resolve"), ("/loud", "resolve")}


def test_tags_of_the_monitor_pick_a_route(step: Step, webhook: Webhook) -> None:
    route(webhook("/pay"), tags=["pay"], position=1)
    assert told(step(tags=["pay"])) == {("/pay", "trigger")}
    assert told(step(tags=["web"])) == set()


def test_a_page_that_is_passed_on_takes_its_end_along(step: Step, webhook: Webhook) -> None:
    webhook("/a"), webhook("/fallback", fallback=True)
    opened = step()
    enqueue(opened)
    enqueue(step("resolved", opened.incident))
    assert escalate(opened.incident_id, opened.pk) == 2
    assert escalate(opened.incident_id, opened.pk) == 0
    fallback = Delivery.objects.filter(channel__fallback=True).order_by("id")
    assert [one.event for one in fallback] == ["trigger", "resolve"]


def test_the_end_also_goes_to_the_fallback_that_was_told(step: Step, webhook: Webhook) -> None:
    webhook("/a"), webhook("/fallback", fallback=True)
    opened = step()
    enqueue(opened)
    escalate(opened.incident_id, opened.pk)
    assert told(step("resolved", opened.incident)) == {("/a", "resolve"), ("/fallback", "resolve")}

"""One transition asks the database only so often: an upper bound for each kind of step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.vigil.alerts.on_call_rows import Step, Webhook, monitor_of, person, policy, rotation, route
from vigil.accounts.teams import default_team
from vigil.alerts.core.decision import Concern, Why
from vigil.alerts.models import Delivery
from vigil.alerts.outbox import enqueue
from vigil.incidents.models import Incident, Transition
from vigil.monitors.dependencies import set_parents
from vigil.silences.changes import create_silence
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db
Story = Callable[[Step, Webhook], Transition]


def told(step: Step, **fields: object) -> Incident:
    """An incident whose beginning was told."""
    opened = step(**fields)
    enqueue(opened)
    return opened.incident


def on_call(webhook: Webhook) -> None:
    """A route with a policy: at once the person on call, then a channel."""
    made = policy((0, [rotation(person("ann", webhook("/phone")))]), (300, [webhook("/boss")]))
    route(webhook("/a"), policy=made, remind_s=600)


def opened_without_routes(step: Step, webhook: Webhook) -> Transition:
    webhook("/a"), webhook("/b")
    return step()


def opened_with_a_route(step: Step, webhook: Webhook) -> Transition:
    route(webhook("/a"))
    return step()


def opened_with_a_policy(step: Step, webhook: Webhook) -> Transition:
    on_call(webhook)
    return step()


def opened_beside_a_policy_that_is_not_asked(step: Step, webhook: Webhook) -> Transition:
    route(webhook("/first"), position=1)
    on_call(webhook)
    return step()


def opened_in_a_silence(step: Step, webhook: Webhook) -> Transition:
    webhook("/a")
    opened = step()
    times = {"starts_at": opened.at - timedelta(minutes=1), "ends_at": opened.at + timedelta(hours=1)}
    create_silence(Silence(team=default_team()), {"name": "works", "mutes": True, **times}, [monitor_of(opened)])
    return opened


def opened_below_a_parent(step: Step, webhook: Webhook) -> Transition:
    webhook("/a")
    parent, child = told(step), step()
    assert parent.monitor is not None
    set_parents(monitor_of(child), [parent.monitor])
    return child


def opened_of_a_provider(step: Step, webhook: Webhook) -> Transition:
    return joint("opened", step, webhook)


def joined_by_another(step: Step, webhook: Webhook) -> Transition:
    first = joint("opened", step, webhook)
    enqueue(first)
    on_call(webhook)
    return joint("note", step, webhook, first.incident)


def worse(step: Step, webhook: Webhook) -> Transition:
    on_call(webhook)
    return step("changed", told(step))


def noted(step: Step, webhook: Webhook) -> Transition:
    route(webhook("/a"), notes=True)
    return step("note", told(step))


def acknowledged(step: Step, webhook: Webhook) -> Transition:
    on_call(webhook)
    return step("acknowledged", told(step))


def resolved(step: Step, webhook: Webhook) -> Transition:
    on_call(webhook)
    return step("resolved", told(step))


def joint(of: str, step: Step, webhook: Webhook, whole: Incident | None = None) -> Transition:
    """A step of a provider's incident that two more monitors have joined."""
    webhook(f"/{of}")
    members = [step().incident for _ in range(2)]
    taken = step(of, whole, evidence={"joined": [{"incident": one.public_id} for one in members]})
    Incident.objects.filter(pk=taken.incident_id).update(monitor=None, cause_key="provider:1:openai")
    Incident.objects.filter(pk__in=[one.pk for one in members]).update(part_of=taken.incident_id)
    return taken


#: Queries with one route and one policy of one person on call; less is welcome, more is not.
MOST: Mapping[Story, int] = {
    opened_without_routes: 10,
    opened_with_a_route: 11,
    opened_with_a_policy: 23,
    opened_beside_a_policy_that_is_not_asked: 11,
    opened_in_a_silence: 11,
    opened_below_a_parent: 12,
    opened_of_a_provider: 13,
    joined_by_another: 26,
    worse: 14,
    noted: 11,
    acknowledged: 5,
    resolved: 8,
}


@pytest.mark.parametrize("story", MOST, ids=lambda story: story.__name__)
def test_a_step_asks_no_more_often_than_its_bound(story: Story, step: Step, webhook: Webhook) -> None:
    transition = story(step, webhook)
    with CaptureQueriesContext(connection) as asked:
        enqueue(transition)
    assert Delivery.objects.filter(transition=transition).exists()
    assert len(asked) <= MOST[story]


def test_an_escalation_asks_for_nothing_that_its_caller_has_said(step: Step, webhook: Webhook) -> None:
    channel = webhook("/a")
    again = step("escalated", told(step))
    with CaptureQueriesContext(connection) as asked:
        assert enqueue(again, {channel.pk: Concern(Why.ON_CALL, "primary")})
    assert len(asked) <= 8

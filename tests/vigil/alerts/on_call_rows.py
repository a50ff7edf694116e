"""Rows of on-call life for tests: people with channels, policies, and a clock that is moved by moving what is due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from vigil.accounts.teams import default_team
from vigil.alerts.models import (
    Channel,
    Delivery,
    Escalation,
    EscalationPolicy,
    EscalationStep,
    Person,
    Pursuit,
    Rotation,
    RotationMember,
    Route,
)  # fmt: skip
from vigil.alerts.outbox import enqueue
from vigil.incidents.models import Incident, Transition
from vigil.monitors.models import Monitor

Step = Callable[..., Transition]


def monitor_of(step: Transition) -> Monitor:
    """The monitor of a step's incident, which has one."""
    assert step.incident.monitor is not None
    return step.incident.monitor


Webhook = Callable[..., Channel]


def route(*channels: Channel, **fields: Any) -> Route:
    made = Route.objects.create(team=default_team(), **{"name": "r", **fields})
    made.channels.set(channels)
    return made


def person(name: str, *channels: Channel) -> Person:
    made = Person.objects.create(team=default_team(), name=name)
    made.channels.set(channels)
    return made


def rotation(*people: Person, name: str = "web") -> Rotation:
    made = Rotation.objects.create(team=default_team(), name=name, starts_on=date(2020, 1, 6), zone="Europe/Berlin")
    for position, one in enumerate(people):
        RotationMember.objects.create(rotation=made, person=one, position=position)
    return made


def policy(*steps: tuple[int, Sequence[Channel | Person | Rotation]], repeats: int = 0) -> EscalationPolicy:
    made = EscalationPolicy.objects.create(team=default_team(), name="primary", repeats=repeats)
    for position, (delay_s, targets) in enumerate(steps):
        step = EscalationStep.objects.create(policy=made, position=position, delay_s=delay_s)
        step.channels.set([one for one in targets if isinstance(one, Channel)])
        step.people.set([one for one in targets if isinstance(one, Person)])
        step.rotations.set([one for one in targets if isinstance(one, Rotation)])
    return made


def told(incident: Incident, step: str | None = None) -> list[tuple[str, str, str]]:
    """Which channel was told what, and what became of it, in order."""
    rows = Delivery.objects.filter(incident=incident).select_related("channel", "transition").order_by("id")
    return [(row.channel.name, row.event, row.state) for row in rows if step is None or row.step.step == step]


def tell(step: Transition) -> None:
    with transaction.atomic():
        enqueue(step)


def opened(step: Step, **fields: Any) -> Incident:
    """An incident that has just been told."""
    first = step(**fields)
    tell(first)
    return first.incident


def pass_time(incident: Incident, seconds: int) -> None:
    """Let time pass for what waits on an incident, by moving what waits towards now."""
    by = timedelta(seconds=seconds)
    for escalation in Escalation.objects.filter(incident=incident, due_at__isnull=False):
        Escalation.objects.filter(pk=escalation.pk).update(due_at=F("due_at") - by)
    for pursuit in Pursuit.objects.filter(incident=incident):
        Pursuit.objects.filter(pk=pursuit.pk).update(
            remind_at=pursuit.remind_at and pursuit.remind_at - by,
            snoozed_until=pursuit.snoozed_until and pursuit.snoozed_until - by,
        )
    for held in Delivery.objects.filter(incident=incident, recheck_at__isnull=False):
        Delivery.objects.filter(pk=held.pk).update(recheck_at=F("recheck_at") - by)


def steps(incident: Incident) -> list[tuple[str, str]]:
    return list(incident.transitions.order_by("seq").values_list("step", "reason"))

"""Escalation rows: targets of policy steps, and an incident's escalation state. Under its lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from vigil.alerts.core.decision import Concern
from vigil.alerts.core.escalation import (
    EscalationPosition,
    PolicyFacts,
    PursuitChange,
    PursuitFacts,
    delay_s,
    immediate,
    start,
)
from vigil.alerts.core.rotation import who_is_on_call
from vigil.alerts.models import Channel, Escalation, EscalationStep, Person, Pursuit
from vigil.incidents.models import Incident

_PURSUIT = ["acknowledged_at", "acknowledged_by", "snoozed_until", "remind_s", "remind_at"]


@dataclass(frozen=True, slots=True)
class Targets:
    """Channels of a step, their names for people, and targets without a channel."""

    channels: frozenset[int]
    words: tuple[str, ...] = ()
    nowhere: tuple[str, ...] = ()


def steps_of(policy: int) -> list[EscalationStep]:
    """Steps of a policy in order, prefetched for `targets_of`."""
    steps = EscalationStep.objects.filter(policy_id=policy).order_by("position", "id")
    held = ("channels", "people__channels", "rotations__members", "rotations__overrides")
    return list(steps.select_related("policy").prefetch_related(*held))


def targets_of(step: EscalationStep, at: datetime, people: Mapping[int, Person] | None = None) -> Targets:
    """Targets of a step at a moment; who is on call is looked for in `people`, and in the database without them."""
    named: list[tuple[str, Iterable[Channel]]] = [(channel.name, [channel]) for channel in step.channels.all()]
    named += [(person.name, person.channels.all()) for person in step.people.all()]
    nobody = []
    for rotation in step.rotations.all():
        shift = who_is_on_call(rotation.schedule, at)
        holder = _holder(shift.person, people) if shift else None
        if holder is not None:
            named.append((f"{holder.name} ({rotation.name})", holder.channels.all()))
        else:
            nobody.append(f"{rotation.name}: no one is on call")
    usable = [(word, frozenset(channel.pk for channel in channels if channel.enabled)) for word, channels in named]
    return Targets(
        channels=frozenset[int]().union(*(channels for _, channels in usable)),
        words=tuple(word for word, channels in usable if channels),
        nowhere=(*(f"{word}: no enabled channel" for word, channels in usable if not channels), *nobody),
    )


def _holder(person: int, people: Mapping[int, Person] | None) -> Person | None:
    if people is not None:
        return people.get(person)
    return Person.objects.prefetch_related("channels").filter(pk=person).first()


def read_policy(policy: int, at: datetime) -> PolicyFacts:
    """A policy about to start, with the targets of its immediate steps."""
    return policy_facts(steps_of(policy), at)


def policy_facts(
    steps: Sequence[EscalationStep], at: datetime, people: Mapping[int, Person] | None = None
) -> PolicyFacts:
    """The same of steps that are read."""
    delays = tuple(step.delay_s for step in steps)
    reached = frozenset[int]().union(*(targets_of(steps[rung], at, people).channels for rung in immediate(delays)))
    return PolicyFacts(steps[0].policy.name, delays, steps[0].policy.repeats, reached) if steps else PolicyFacts()


def read_pursuit(incident: int) -> PursuitFacts:
    """Escalation state of an incident."""
    pursuit = Pursuit.objects.filter(pk=incident).first()
    begun = frozenset(Escalation.objects.filter(incident=incident).values_list("policy_id", flat=True))
    if pursuit is None:
        return PursuitFacts(begun=begun)
    return PursuitFacts(pursuit.acknowledged_at is not None, pursuit.remind_s, begun)


def store(incident: int, change: PursuitChange) -> None:
    """Write a change of the escalation state."""
    if not change.wanted:
        Pursuit.objects.filter(pk=incident).update(acknowledged_at=None, acknowledged_by="", snoozed_until=None)
        return
    pursuit = Pursuit(incident_id=incident, remind_s=change.remind_s, remind_at=change.remind_at)
    Pursuit.objects.bulk_create([pursuit], update_conflicts=True, unique_fields=["incident"], update_fields=_PURSUIT)
    begun = [
        Escalation(incident_id=incident, policy_id=one.policy, due_at=one.due_at, **asdict(one.position))
        for one in change.starts
    ]
    places = ["rung", "round", "due_at"]
    Escalation.objects.bulk_create(
        begun, update_conflicts=True, unique_fields=["incident", "policy"], update_fields=places
    )


def wake(incident: Incident, at: datetime) -> dict[int, Concern]:
    """Restart escalation after an acknowledgement or snooze; returns the channels to call at once."""
    pursuit = read_pursuit(incident.pk)
    change = start(pursuit.remind_s, {policy: read_policy(policy, at) for policy in pursuit.begun}, at)
    store(incident.pk, change)
    return change.called


def rest(incident: Incident, by: str, at: datetime, until: datetime | None = None) -> None:
    """Stop escalation after an acknowledgement; until a time for a snooze."""
    fields = {"acknowledged_at": at, "acknowledged_by": by[:120], "snoozed_until": until, "remind_at": None}
    Pursuit.objects.update_or_create(incident=incident, defaults=fields)
    Escalation.objects.filter(incident=incident).update(due_at=None)


def end(incident: int) -> None:
    """End escalation: the incident is over."""
    Pursuit.objects.filter(pk=incident).update(remind_at=None, snoozed_until=None)
    Escalation.objects.filter(incident=incident).update(due_at=None)


def start_again_from(incident: Incident, at: datetime) -> None:
    """Count delays from now: the incident is only now sent, after a hold."""
    for escalation in Escalation.objects.filter(incident=incident, due_at__isnull=False):
        delays = [step.delay_s for step in steps_of(escalation.policy_id)]
        if escalation.rung < len(delays):
            wait_s = delay_s(EscalationPosition(escalation.rung, escalation.round), delays)
            escalation.due_at = at + timedelta(seconds=wait_s)
            escalation.save(update_fields=["due_at"])
    for pursuit in Pursuit.objects.filter(pk=incident.pk, remind_at__isnull=False):
        pursuit.remind_at = at + timedelta(seconds=pursuit.remind_s)
        pursuit.save(update_fields=["remind_at"])


def is_acknowledged(incident: Incident) -> bool:
    return Pursuit.objects.filter(pk=incident.pk, acknowledged_at__isnull=False).exists()

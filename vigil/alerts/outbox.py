"""Outbox: the notification pipeline of an incident's step, in the transaction that writes the step.

    write(decide(hold(route(read(...)))))

`read`   loads the facts for the other stages, with the incident locked. The only stage that queries the database.
`route`  routing tree: the first route that matches names channels and escalation policies.
`hold`   silence and inhibition: silences, a failing parent, or the provider's incident hold the message.
`decide` one outcome for each channel: send now, hold, or omit; with the reason.
`write`  the deliveries, and the escalation state. The only stage that changes the database.

The three stages between are pure (`core.pipeline`). Each step (opened, worse, acknowledged, resolved ...) runs once.
Grouping (group_wait, group_interval) comes later, when `delivery` claims due messages of a channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from django.db import connection
from django.db.models.functions import Now

from vigil.accounts.teams import default_team
from vigil.alerts.core.decision import EVENTS, UNCONDITIONAL, Choice, Concern, Disposition, Event
from vigil.alerts.core.escalation import PursuitFacts
from vigil.alerts.core.pipeline import ROUTED_STEPS, DeliveryPlan, StepFacts, StepKeys, decide, hold, route
from vigil.alerts.core.routes import RoutedSubject
from vigil.alerts.models import UNTOLD_STATES, Delivery, DeliveryState
from vigil.alerts.routing import escalations
from vigil.alerts.routing.holds import hold_fields, holds_on, is_silent
from vigil.alerts.routing.rules import load_rules, subject
from vigil.incidents.core.model import Step
from vigil.incidents.core.provider_outage import is_of_provider
from vigil.incidents.models import Incident, Transition

#: NOTIFY channel for senders: a hint, since they also poll once a second.
HINT_CHANNEL = "vigil_outbox"

#: Members of a provider's incident whose routes count, where no step says who joined.
ASKED_MOST = 50

_STATES = {
    Disposition.TELL: DeliveryState.PENDING,
    Disposition.HOLD: DeliveryState.HELD,
    Disposition.OMIT: DeliveryState.WITHHELD,
}


def enqueue(
    transition_row: Transition, named: Mapping[int, Concern] | None = None, origin: int | None = None
) -> list[Delivery]:
    """Write one delivery per channel that the transition concerns, to be sent or held; returns them. Idempotent.

    Routes and policies pick the channels unless the caller names them. `origin` is the channel where a person acted,
    which is not notified. Call inside the transaction that writes the transition, else `TransactionManagementError`.
    """
    return write(decide(hold(route(read(transition_row, named, origin)))))


def read(transition_row: Transition, named: Mapping[int, Concern] | None, origin: int | None) -> StepFacts:
    """Read the facts for the stages, as far as this step needs them."""
    # Locked until commit, so that no fallback channel is added while its resolve is written.
    locked = Incident.objects.select_for_update(of=("self",)).select_related("monitor")
    incident = locked.get(pk=transition_row.incident_id)
    step, at, team = Step(transition_row.step), transition_row.at, incident.team_id or default_team().pk
    joint = incident.monitor_id is None and is_of_provider(incident.cause_key)
    keys = StepKeys(transition_row.pk, incident.pk, team, at)
    facts = StepFacts(keys, step, named, origin, joint, told=told_channels(incident))
    if step in UNCONDITIONAL:
        return facts
    facts = replace(facts, holds=holds_on(incident, at))
    if step not in ROUTED_STEPS:
        return replace(facts, pursuit=PursuitFacts(escalations.is_acknowledged(incident)))
    if named is not None:
        return facts
    rules, everyone = load_rules(team)
    own = subject(incident.kind, incident.monitor, incident.cause_key)
    subjects = tuple(_members(incident, transition_row)) if joint else (own,)
    facts = replace(facts, subjects=subjects, rules=rules, everyone=everyone)
    wanted = facts.routing if step is not Step.NOTE or joint else None
    if wanted is None or not (wanted.policies or wanted.remind_s):
        return facts
    pursuit = escalations.read_pursuit(incident.pk)
    policies = {policy: escalations.read_policy(policy, at) for policy in pursuit.beginning(wanted.policies)}
    return replace(facts, pursuit=pursuit, policies=policies)


def write(plan: DeliveryPlan) -> list[Delivery]:
    """Write the decisions; returns the deliveries of the step."""
    incident = plan.keys.incident
    if plan.step is Step.RESOLVED:
        # A message held until the end is never sent: channels without the trigger need no resolve.
        held = Delivery.objects.filter(incident=incident, state=DeliveryState.HELD)
        held.update(state=DeliveryState.WITHHELD, recheck_at=None)
        escalations.end(incident)
    if plan.pursuit is not None:
        escalations.store(incident, plan.pursuit)
    write_choices(plan.keys, Event.TRIGGER, plan.newcomers)
    return write_choices(plan.keys, EVENTS[plan.step], plan.choices)


def write_choices(keys: StepKeys, event: Event, choices: Iterable[Choice]) -> list[Delivery]:
    """Write the deliveries of one step; existing ones are left unchanged."""
    rows = [_row(keys, event, choice) for choice in choices]
    if not rows:
        return []
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [HINT_CHANNEL])
    channels = [row.channel_id for row in rows]
    return list(Delivery.objects.filter(transition_id=keys.transition, channel_id__in=channels))


def told_channels(incident: Incident) -> frozenset[int]:
    """Channels that have the incident's trigger, or have it on the way."""
    triggers = Delivery.objects.filter(incident=incident, event=Event.TRIGGER, channel__enabled=True)
    return frozenset(triggers.exclude(state__in=UNTOLD_STATES).values_list("channel_id", flat=True))


def _members(incident: Incident, transition_row: Transition) -> Iterable[RoutedSubject]:
    """Monitors that a step of a provider's incident is about, without those held by a silence or a parent."""
    joined = [str(one.get("incident")) for one in transition_row.evidence.get("joined") or []]
    about = incident.members.filter(resolved_at=None).select_related("monitor")
    for member in about.filter(public_id__in=joined) if joined else about.order_by("pk")[:ASKED_MOST]:
        if member.monitor is not None and not is_silent(member, transition_row.at):
            yield subject(incident.kind, member.monitor)


def _row(keys: StepKeys, event: Event, choice: Choice) -> Delivery:
    held = choice.outcome is Disposition.HOLD
    row = Delivery(
        team_id=keys.team,
        incident_id=keys.incident,
        transition_id=keys.transition,
        channel_id=choice.channel,
        event=event,
        state=_STATES[choice.outcome],
        created_at=Now(),
        due_at=Now(),
        why=choice.concern.why,
        because=choice.concern.because[:120],
    )
    if choice.hold is not None:
        for name, value in hold_fields(choice.hold, keys.at).items():
            setattr(row, name, value)
        row.recheck_at = row.recheck_at if held else None
    return row

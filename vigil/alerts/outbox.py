"""Writing deliveries: called inside the transaction that writes the transition, so that neither is there alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from django.db import connection, transaction
from django.db.models.functions import Now

from vigil.accounts.teams import default_team
from vigil.alerts.core.decision import (
    EVENTS,
    UNCONDITIONAL,
    Choice,
    Concern,
    Disposition,
    Event,
    IncidentContext,
    Why,
    decide,
)
from vigil.alerts.core.routes import route
from vigil.alerts.crashpoints import CrashPoint, reach
from vigil.alerts.models import UNTOLD_STATES, Channel, Delivery, DeliveryState
from vigil.alerts.routing import escalations
from vigil.alerts.routing.holds import hold_fields, holds_on
from vigil.alerts.routing.provider_holds import is_joint, routing_together
from vigil.alerts.routing.rules import load_rules, subject_of
from vigil.incidents.core.model import Step
from vigil.incidents.models import Incident, Transition

#: What a sender listens to; a hint only, since it also looks once a second.
HINT_CHANNEL = "vigil_outbox"

_STATES = {
    Disposition.TELL: DeliveryState.PENDING,
    Disposition.HOLD: DeliveryState.HELD,
    Disposition.OMIT: DeliveryState.WITHHELD,
}


def enqueue(
    transition_row: Transition, concerned: Mapping[int, Concern] | None = None, origin: int | None = None
) -> list[Delivery]:
    """Write one delivery per channel that the transition concerns, to be sent or held as `decide` says.

    Routes and policies say whom it concerns, unless the caller does. `origin` is the channel in which it was done,
    which need not be told. Call inside the transaction that writes the transition; raises
    `TransactionManagementError` outside of one.
    """
    # Held until the transaction ends, so that a fallback channel cannot be added while its resolve is written.
    incident = (
        Incident.objects.select_for_update(of=("self",))
        .select_related("monitor", "team")
        .get(pk=transition_row.incident_id)
    )
    step = Step(transition_row.step)
    team = incident.team or default_team()
    if concerned is None:
        concerned = _concerned(incident, team.pk, transition_row)
    standing = _standing(incident, step, transition_row.at)
    choices = decide(step, concerned, standing)
    if step is Step.RESOLVED:
        _withhold_for_good(incident)
        escalations.end(incident)
    if step is Step.NOTE and is_joint(incident):
        _begin_with_newcomers(incident, transition_row, team.pk, standing)
    return write_choices(transition_row, team.pk, [choice for choice in choices if choice.channel != origin])


def write_choices(
    transition_row: Transition, team: int, choices: Iterable[Choice], event: Event | None = None
) -> list[Delivery]:
    """Write the deliveries of one transition; those that exist already are left as they are."""
    event = event or EVENTS[Step(transition_row.step)]
    rows = [_row(transition_row, team, event, choice) for choice in choices]
    if not rows:
        return []
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [HINT_CHANNEL])
    return list(Delivery.objects.filter(transition=transition_row, channel_id__in=[row.channel_id for row in rows]))


def escalate(incident_id: int, transition_id: int) -> int:
    """Pass a page that nobody accepted on to the team's fallback channels; returns how many messages that makes.

    What came after the page in the same incident goes with it, so that a fallback channel hears the end as well.
    """
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        missed = Delivery.objects.filter(transition_id=transition_id, event=Event.TRIGGER, escalated_at=None)
        missed = missed.exclude(state__in=UNTOLD_STATES)
        team = missed.values_list("team_id", flat=True).first()
        if team is None:
            return 0
        fallbacks = Channel.objects.filter(team_id=team, fallback=True, enabled=True).values_list("pk", flat=True)
        choices = [Choice(channel, Disposition.TELL, Concern(Why.FALLBACK)) for channel in sorted(fallbacks)]
        told = 0
        later = Transition.objects.filter(incident=incident, deliveries__isnull=False, pk__gte=transition_id)
        for step in later.distinct().order_by("seq"):
            told += len(write_choices(step, team, choices))
        missed.update(escalated_at=Now())
        reach(CrashPoint.ESCALATE_WRITTEN)
        return told


def _begin_with_newcomers(incident: Incident, transition_row: Transition, team: int, standing: IncidentContext) -> None:
    """Who is concerned by a monitor that joins its provider's incident, and was not told of it, hears its beginning."""
    rules, everyone = load_rules(team)
    routing = routing_together(incident, transition_row, rules, everyone)
    named = {**escalations.begin(incident, routing, transition_row.at), **routing.concerned}
    newcomers = {channel: concern for channel, concern in named.items() if channel not in standing.told}
    fresh = replace(standing, told=frozenset())
    write_choices(transition_row, team, decide(Step.OPENED, newcomers, fresh), Event.TRIGGER)


def _row(transition_row: Transition, team: int, event: Event, choice: Choice) -> Delivery:
    held = choice.outcome is Disposition.HOLD
    row = Delivery(
        team_id=team,
        incident_id=transition_row.incident_id,
        transition=transition_row,
        channel_id=choice.channel,
        event=event,
        state=_STATES[choice.outcome],
        created_at=Now(),
        due_at=Now(),
        why=choice.concern.why,
        because=choice.concern.because[:120],
    )
    if choice.hold is not None:
        for name, value in hold_fields(choice.hold, transition_row.at).items():
            setattr(row, name, value)
        row.recheck_at = row.recheck_at if held else None
    return row


def _standing(incident: Incident, step: Step, at: datetime) -> IncidentContext:
    """Where the incident stands, as far as this step asks."""
    triggers = Delivery.objects.filter(incident=incident, event=Event.TRIGGER, channel__enabled=True)
    told = frozenset(triggers.exclude(state__in=UNTOLD_STATES).values_list("channel_id", flat=True))
    if step in UNCONDITIONAL:
        return IncidentContext(told)
    again = step in (Step.ESCALATED, Step.REMINDED)
    return IncidentContext(told, again and escalations.is_acknowledged(incident), holds_on(incident, at))


def _withhold_for_good(incident: Incident) -> None:
    """What was held until the end is never told: whoever did not hear of the beginning needs no end."""
    held = Delivery.objects.filter(incident=incident, state=DeliveryState.HELD)
    held.update(state=DeliveryState.WITHHELD, recheck_at=None)


def _concerned(incident: Incident, team: int, transition_row: Transition) -> Mapping[int, Concern]:
    """Whom the routes name, and for a beginning whoever the first steps of their policies name."""
    step = Step(transition_row.step)
    if step not in (Step.OPENED, Step.CHANGED, Step.NOTE):
        return {}
    rules, everyone = load_rules(team)
    if is_joint(incident):
        routing = routing_together(incident, transition_row, rules, everyone)
    else:
        routing = route(rules, subject_of(incident), transition_row.at, everyone)
    if step is Step.NOTE:
        return {channel: concern for channel, concern in routing.concerned.items() if channel in routing.noted}
    return {**escalations.begin(incident, routing, transition_row.at), **routing.concerned}

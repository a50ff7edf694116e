"""Writing deliveries: called inside the transaction that writes the transition, so that neither is there alone."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models.functions import Now

from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery, Event, Route
from vigil.alerts.routing import Rule, Subject, pick
from vigil.incidents.lifecycle import Step
from vigil.incidents.models import Incident, Transition

#: What a sender listens to; a hint only, since it also looks once a second.
HINT_CHANNEL = "vigil_outbox"

_EVENTS = {
    Step.OPENED: Event.TRIGGER,
    # A worse kind is told as a trigger again, under the same dedup key, to whoever the new kind is routed to.
    Step.CHANGED: Event.TRIGGER,
    Step.NOTE: Event.NOTE,
    Step.RESOLVED: Event.RESOLVE,
}


def enqueue(transition_row: Transition) -> list[Delivery]:
    """Write one delivery per channel that is to be told of the transition.

    1. Opened and changed go to the channels of the first route that matches.
    2. Resolved goes to whoever was told of the incident before, whatever the routes say now.
    3. A note goes to whoever was told before, if the route that matches wants notes.

    Call inside the transaction that writes the transition; raises `TransactionManagementError` outside of one.
    """
    # Held until the transaction ends, so that a fallback channel cannot be added while its resolve is written.
    incident = (
        Incident.objects.select_for_update(of=("self",)).select_related("monitor").get(pk=transition_row.incident_id)
    )
    event = _EVENTS[Step(transition_row.step)]
    team = incident.team or default_team()
    if event is Event.RESOLVE:
        channels = _told(incident)
    else:
        rule = _rule(incident, team.pk)
        channels = rule.channels if rule else frozenset()
        if event is Event.NOTE:
            channels = channels & _told(incident) if rule and rule.notes else frozenset()
        else:
            channels |= _told(incident)
    return write_deliveries(transition_row, team.pk, event, channels)


def write_deliveries(transition_row: Transition, team: int, event: Event, channels: Iterable[int]) -> list[Delivery]:
    """Write pending deliveries of one transition; those that exist already are left as they are."""
    rows = [
        Delivery(
            team_id=team,
            incident_id=transition_row.incident_id,
            transition=transition_row,
            channel_id=channel,
            event=event,
            created_at=Now(),
            due_at=Now(),
        )
        for channel in sorted(channels)
    ]
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
        team = missed.values_list("team_id", flat=True).first()
        if team is None:
            return 0
        fallbacks = frozenset(
            Channel.objects.filter(team_id=team, fallback=True, enabled=True).values_list("pk", flat=True)
        )
        told = 0
        later = Transition.objects.filter(incident=incident, deliveries__isnull=False, pk__gte=transition_id)
        for step in later.distinct().order_by("seq"):
            told += len(write_deliveries(step, team, _EVENTS[Step(step.step)], fallbacks))
        missed.update(escalated_at=Now())
        return told


def _told(incident: Incident) -> frozenset[int]:
    return frozenset(
        Delivery.objects.filter(incident=incident, event=Event.TRIGGER, channel__enabled=True).values_list(
            "channel_id", flat=True
        )
    )


def _rule(incident: Incident, team: int) -> Rule | None:
    channels = list(Channel.objects.filter(team_id=team, enabled=True).values_list("pk", "fallback"))
    everyone = frozenset(key for key, fallback in channels if not fallback)
    usable = frozenset(key for key, _ in channels)
    rules = [
        Rule(
            channels=frozenset(channel.pk for channel in route.channels.all()) & usable,
            kinds=frozenset(route.kinds),
            tags=frozenset(route.tags),
            monitor=route.monitor_id,
            notes=route.notes,
        )
        for route in Route.objects.filter(team_id=team, enabled=True)
        .order_by("position", "id")
        .prefetch_related("channels")
    ]
    tags = incident.monitor.tags if incident.monitor else []
    # With nothing but fallback channels to tell, telling them is better than telling nobody.
    return pick(rules, Subject(incident.kind, incident.monitor_id, frozenset(tags)), everyone or usable)

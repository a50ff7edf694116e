"""Incidents about channels that did not accept their self-test, so that the others tell of it."""

from __future__ import annotations

from django.db.models.functions import Now

from vigil.alerts.core.selftest import LOOPBACK, UNPROVEN
from vigil.alerts.models import Channel, Delivery, DeliveryState, SelfTest
from vigil.alerts.outbox import enqueue
from vigil.incidents.core.model import IncidentKind, Step, StepReason
from vigil.incidents.models import Incident
from vigil.incidents.timeline import TimelineEntry, add_step


def tell_what_is_proven(test: SelfTest) -> None:
    """Open an incident for every channel that did not accept its part, and resolve those of channels that did.

    Call inside the transaction that closes the test. The loopback has none: without it nobody could be told anyway.
    """
    proof = Delivery.objects.filter(incident=test.incident_id).exclude(channel__kind=LOOPBACK)
    failed = {one.channel: one for one in proof.exclude(state=DeliveryState.SENT).select_related("channel")}
    for channel in Channel.objects.filter(deliveries__in=proof).distinct().order_by("pk"):
        known = Incident.objects.filter(
            kind=IncidentKind.CHANNEL, cause_key=UNPROVEN + channel.public_id, resolved_at=None
        ).first()
        delivery = failed.get(channel)
        if delivery is not None and known is None:
            _open(channel, delivery)
        elif delivery is None and known is not None:
            known.resolved_at = Now()
            known.save(update_fields=["resolved_at"])
            text = f"{channel.name} accepts its self-test again."
            add_step(known, TimelineEntry(Step.RESOLVED, StepReason.SELF_TEST, text), enqueue)


def _open(channel: Channel, delivery: Delivery) -> None:
    incident = Incident(
        team_id=channel.team_id,
        kind=IncidentKind.CHANNEL,
        cause_key=UNPROVEN + channel.public_id,
        title=f"{channel.name} did not accept its self-test",
        started_at=delivery.created_at,
        opened_at=Now(),
    )
    incident.save()
    text = f"What it said: {delivery.last_error or 'nothing in time'}."
    add_step(incident, TimelineEntry(Step.OPENED, StepReason.SELF_TEST, text), enqueue)

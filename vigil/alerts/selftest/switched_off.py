"""A channel that was switched off says so: an incident of its own, told through the other channels of its team."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from vigil.alerts.models import Channel
from vigil.alerts.outbox import enqueue
from vigil.incidents.core.model import IncidentKind, Step, StepReason
from vigil.incidents.models import Incident
from vigil.incidents.timeline import TimelineEntry, add_step

_CAUSE = "channel:"


def tell_switched_off() -> int:
    """Open an incident for each channel that refused too much, and end those of channels that are on again."""
    off = {
        f"{_CAUSE}{channel.public_id}": channel
        for channel in Channel.objects.filter(enabled=False, disabled_at__isnull=False)
    }
    open_now = Incident.objects.filter(kind=IncidentKind.CHANNEL, resolved_at=None, cause_key__startswith=_CAUSE)
    known = {incident.cause_key: incident for incident in open_now}
    begun = {cause: channel for cause, channel in off.items() if cause not in known}
    ended = [incident for cause, incident in known.items() if cause not in off]
    for cause, channel in begun.items():
        _begin(cause, channel)
    for incident in ended:
        _end(incident)
    return len(begun) + len(ended)


def _begin(cause: str, channel: Channel) -> None:
    with transaction.atomic():
        # Its row is the lock: of two senders one opens the incident.
        Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
        if Incident.objects.filter(kind=IncidentKind.CHANNEL, cause_key=cause, resolved_at=None).exists():
            return
        incident = Incident.objects.create(
            team=channel.team,
            kind=IncidentKind.CHANNEL,
            cause_key=cause,
            title=f"Channel {channel.name} is switched off: it refused three incidents in a row",
            started_at=channel.disabled_at or Now(),
            opened_at=Now(),
        )
        text = f"Its last answer: {channel.disabled_why}"
        add_step(incident, TimelineEntry(Step.OPENED, StepReason.CHANNEL_REFUSES, text), enqueue)


def _end(incident: Incident) -> None:
    with transaction.atomic():
        found = Incident.objects.select_for_update().filter(pk=incident.pk, resolved_at=None).first()
        if found is None:
            return
        found.resolved_at = Now()
        found.save(update_fields=["resolved_at"])
        text = "The channel is on again, or gone."
        add_step(found, TimelineEntry(Step.RESOLVED, StepReason.CHANNEL_BACK, text), enqueue)

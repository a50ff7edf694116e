"""Channel incidents: a channel was switched off, or failed its self-test; other channels alert."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from probes.process.isolation import Each, plainly
from vigil.alerts.core.selftest import LOOPBACK, UNPROVEN
from vigil.alerts.models import Channel, Delivery, DeliveryState, SelfTest
from vigil.alerts.outbox import enqueue
from vigil.incidents.core.model import IncidentKind, Step, StepReason
from vigil.incidents.models import Incident
from vigil.incidents.timeline import TimelineEntry, add_step

_SWITCHED_OFF = "channel:"


def sync_switched_off(each: Each = plainly) -> int:
    """Open an incident for each switched-off channel, and resolve those of channels that are on again."""
    off = {
        f"{_SWITCHED_OFF}{channel.public_id}": channel
        for channel in Channel.objects.filter(enabled=False, disabled_at__isnull=False)
    }
    open_now = Incident.objects.filter(
        kind=IncidentKind.CHANNEL, resolved_at=None, cause_key__startswith=_SWITCHED_OFF
    ).values_list("cause_key", flat=True)
    moved = off.keys() ^ set(open_now)
    return sum(each("switched_off", sorted(moved), lambda cause: _sync_switched_off(cause, off.get(cause)), 0))


def _sync_switched_off(cause: str, channel: Channel | None) -> int:
    with transaction.atomic():
        if channel is not None:
            # Its row is the lock: only one sender opens the incident.
            Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
        known = _open_incident(cause)
        if channel is not None and known is None:
            title = f"Channel {channel.name} is switched off: it refused three incidents in a row"
            entry = TimelineEntry(Step.OPENED, StepReason.CHANNEL_REFUSES, f"Its last answer: {channel.disabled_why}")
            _open(channel, cause, title, entry, channel.disabled_at)
        elif channel is None and known is not None:
            text = "The channel is on again, or gone."
            add_step(known, TimelineEntry(Step.RESOLVED, StepReason.CHANNEL_BACK, text), enqueue)
    return 1


def sync_selftest_incidents(test: SelfTest) -> None:
    """Open an incident for every channel that failed the self-test, and resolve those of channels that passed.

    Call inside the transaction that closes the test. The loopback has none: if it fails, no alert gets out.
    """
    proof = Delivery.objects.filter(incident=test.incident_id).exclude(channel__kind=LOOPBACK)
    failed = {one.channel: one for one in proof.exclude(state=DeliveryState.SENT).select_related("channel")}
    for channel in Channel.objects.filter(deliveries__in=proof).distinct().order_by("pk"):
        cause = UNPROVEN + channel.public_id
        known, delivery = _open_incident(cause), failed.get(channel)
        if delivery is not None and known is None:
            text = f"Its answer: {delivery.last_error or 'none in time'}."
            entry = TimelineEntry(Step.OPENED, StepReason.SELF_TEST, text)
            _open(channel, cause, f"{channel.name} did not accept its self-test", entry, delivery.created_at)
        elif delivery is None and known is not None:
            text = f"{channel.name} accepts its self-test again."
            add_step(known, TimelineEntry(Step.RESOLVED, StepReason.SELF_TEST, text), enqueue)


def _open_incident(cause: str) -> Incident | None:
    found = Incident.objects.select_for_update(of=("self",))
    return found.filter(kind=IncidentKind.CHANNEL, cause_key=cause, resolved_at=None).first()


def _open(channel: Channel, cause: str, title: str, entry: TimelineEntry, started: datetime | None) -> None:
    incident = Incident.objects.create(
        team_id=channel.team_id,
        kind=IncidentKind.CHANNEL,
        cause_key=cause,
        title=title,
        started_at=started or Now(),
        opened_at=Now(),
    )
    add_step(incident, entry, enqueue)

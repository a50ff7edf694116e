"""One incident for the operator while a disk of Vigil's is nearly full, and before it is full."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models.functions import Now

from vigil.accounts.teams import default_team
from vigil.incidents.core.disks import Disk, in_words, short_disks
from vigil.incidents.core.model import IncidentKind, Move, Step, StepReason
from vigil.incidents.models import Incident
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.incidents.write_steps import Ground, write_transition

CAUSE = "disk"
_ADVICE = (
    "Free some room, or give it more. On a full disk PostgreSQL and Redis take nothing, so that no incident is written."
)


def note_disks(disks: Sequence[Disk], enqueue: EnqueueDeliveries) -> None:
    """Open the incident when a disk lacks room, files or the right to be written; resolve it when none does."""
    open_now = Incident.objects.filter(kind=IncidentKind.BLIND, cause_key=CAUSE, resolved_at=None)
    is_open = open_now.exists()
    short = short_disks(disks, was_low=is_open)
    if bool(short) == is_open:
        return
    with transaction.atomic():
        if not short:
            for incident in open_now.select_for_update():
                move = Move(IncidentKind.BLIND, Step.RESOLVED, StepReason.DISK_WELL)
                write_transition(incident, move, enqueue, Ground(text=" ".join(map(in_words, disks))))
            return
        incident, created = Incident.objects.get_or_create(
            kind=IncidentKind.BLIND,
            cause_key=CAUSE,
            resolved_at=None,
            defaults={
                "team": default_team(),
                "title": "A disk of Vigil is nearly full",
                "started_at": Now(),
                "opened_at": Now(),
            },
        )
        if created:
            incident.refresh_from_db()
            move = Move(IncidentKind.BLIND, Step.OPENED, StepReason.DISK_SHORT)
            text = " ".join([*map(in_words, short), _ADVICE])
            write_transition(incident, move, enqueue, Ground(text=text))

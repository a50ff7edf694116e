"""One incident for the operator while dead letters wait."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Now

from vigil.accounts.teams import default_team
from vigil.deadletters.actions import waiting
from vigil.incidents.core.model import IncidentKind, Move, Step, StepReason
from vigil.incidents.models import Incident
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.incidents.write_steps import Ground, write_transition

CAUSE = "dead-letters"
_ADVICE = "See `manage.py deadletters list`: replay them after a fix, or discard them."


def note_dead_letters(enqueue: EnqueueDeliveries) -> None:
    """Open the incident with the first letter that waits, and resolve it when none does."""
    first = waiting().order_by("first_at").first()
    open_now = Incident.objects.filter(kind=IncidentKind.BLIND, cause_key=CAUSE, resolved_at=None).first()
    if (first is None) == (open_now is None):
        return
    with transaction.atomic():
        if first is None:
            known = Incident.objects.select_for_update().filter(
                kind=IncidentKind.BLIND, cause_key=CAUSE, resolved_at=None
            )
            for incident in known:
                move = Move(IncidentKind.BLIND, Step.RESOLVED, StepReason.NO_DEAD_LETTERS)
                write_transition(incident, move, enqueue)
            return
        _, created = Incident.objects.get_or_create(
            kind=IncidentKind.BLIND,
            cause_key=CAUSE,
            resolved_at=None,
            defaults={
                "team": default_team(),
                "title": "Dead letters: Vigil could not process some of its input",
                "started_at": first.first_at,
                "opened_at": Now(),
            },
        )
        if created:
            incident = Incident.objects.get(kind=IncidentKind.BLIND, cause_key=CAUSE, resolved_at=None)
            times = waiting().aggregate(all=Sum("count"))["all"]
            text = f"{first} failed, {times} failures so far. Everything else goes on. {_ADVICE}"
            move = Move(IncidentKind.BLIND, Step.OPENED, StepReason.DEAD_LETTERS)
            write_transition(incident, move, enqueue, Ground(text=text))

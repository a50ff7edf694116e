"""Incidents of certificates and tokens that end soon: one for each, until it is renewed or gone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from vigil.accounts.teams import default_team
from vigil.incidents.core.expiry import CAUSE, Expiry, cause_of, ending_soon, in_words
from vigil.incidents.core.model import IncidentKind, Move, Step, StepReason
from vigil.incidents.models import Incident
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.incidents.write_steps import Ground, write_transition


def note_expiries(
    expiries: Collection[Expiry], unknown: Collection[str], now: datetime, enqueue: EnqueueDeliveries
) -> None:
    """Open an incident for each that ends soon; resolve those of others. What is `unknown` now stays as it is."""
    soon = {one.cause: one for one in ending_soon(expiries, now)}
    with transaction.atomic():
        rows = Incident.objects.select_for_update().filter(
            kind=IncidentKind.BLIND, cause_key__startswith=CAUSE, resolved_at=None
        )
        open_now = {incident.cause_key: incident for incident in rows}
        for cause, one in soon.items():
            if cause not in open_now:
                _open(one, now, enqueue)
        for cause in open_now.keys() - soon.keys() - {cause_of(name) for name in unknown}:
            move = Move(IncidentKind.BLIND, Step.RESOLVED, StepReason.EXPIRY_AVERTED)
            write_transition(open_now[cause], move, enqueue)


def _open(one: Expiry, now: datetime, enqueue: EnqueueDeliveries) -> None:
    incident = Incident(
        kind=IncidentKind.BLIND,
        cause_key=one.cause,
        title=f"{one.what} ends soon"[:300],
        started_at=Now(),
        opened_at=Now(),
        **({"team_id": one.team} if one.team is not None else {"team": default_team()}),
    )
    incident.save()
    incident.refresh_from_db()
    move = Move(IncidentKind.BLIND, Step.OPENED, StepReason.EXPIRES_SOON)
    write_transition(incident, move, enqueue, Ground(text=f"{in_words(one, now)} {one.remedy}"))

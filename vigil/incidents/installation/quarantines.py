"""Incidents of regions in quarantine: one for each, or one for all that have lost their way together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from consensus.lost_way.wording import story, title
from consensus.proof import as_evidence
from consensus.verdicts import Quarantine
from vigil.accounts.teams import default_team
from vigil.incidents.core.model import IncidentKind, Move, Step, StepReason
from vigil.incidents.models import Incident
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.incidents.write_steps import NO_GROUND, Ground, write_transition
from vigil.monitors.live.results import instant

#: The cause of the incident of regions that have lost their way together.
LOST_WAY = "lost-way"
_SICK = "sick:"
_JOINED = "Most regions have lost their way by now: one incident tells of all of them."


def note_quarantines(quarantines: Collection[Quarantine], enqueue: EnqueueDeliveries) -> None:
    """Open an incident for each quarantined region, or one for those that are lost together; resolve the others."""
    together = [one for one in quarantines if one.together]
    alone = [one for one in quarantines if not one.together]
    with transaction.atomic():
        _note_lost_way(together, enqueue)
        _note_each(alone, {f"{_SICK}{one.region}" for one in together}, enqueue)


def _note_lost_way(lost: Sequence[Quarantine], enqueue: EnqueueDeliveries) -> None:
    open_now = _open(IncidentKind.REGIONAL, LOST_WAY).first()
    if open_now is not None and not lost:
        write_transition(open_now, Move(IncidentKind.REGIONAL, Step.RESOLVED, StepReason.REGIONS_FOUND), enqueue)
    if open_now is not None or not lost:
        return
    first = min(lost, key=lambda one: (one.proof is None, one.since_ms))
    incident = Incident(
        team=default_team(),
        kind=IncidentKind.REGIONAL,
        cause_key=LOST_WAY,
        title=title(first.together, first.seeing)[:300],
        started_at=instant(min(one.since_ms for one in lost)),
        opened_at=Now(),
    )
    incident.save()
    evidence: dict[str, Any] = as_evidence(first.proof) if first.proof else {}
    ground = Ground(text=story(first.together, first.seeing, first.proof), evidence=evidence)
    write_transition(incident, Move(IncidentKind.REGIONAL, Step.OPENED, StepReason.REGIONS_LOST), enqueue, ground)


def _note_each(quarantines: Sequence[Quarantine], joined: Collection[str], enqueue: EnqueueDeliveries) -> None:
    open_now = {incident.cause_key: incident for incident in _open(IncidentKind.BLIND, _SICK)}
    held = {f"{_SICK}{one.region}": one for one in quarantines}
    for cause, one in held.items():
        if cause in open_now:
            continue
        incident = Incident(
            team=default_team(),
            kind=IncidentKind.BLIND,
            cause_key=cause,
            title=f"Region {one.region} is in quarantine: its votes do not count",
            started_at=instant(one.since_ms),
            opened_at=Now(),
        )
        incident.save()
        move = Move(IncidentKind.BLIND, Step.OPENED, StepReason.REGION_SICK)
        write_transition(incident, move, enqueue, Ground(text=one.text))
    for cause in open_now.keys() - held.keys():
        ground = Ground(text=_JOINED) if cause in joined else NO_GROUND
        move = Move(IncidentKind.BLIND, Step.RESOLVED, StepReason.REGION_WELL)
        write_transition(open_now[cause], move, enqueue, ground)


def _open(kind: IncidentKind, cause: str) -> Any:
    return Incident.objects.select_for_update().filter(kind=kind, cause_key__startswith=cause, resolved_at=None)

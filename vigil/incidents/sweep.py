"""Incident sweep: new, paused and deleted monitors, the end of flapping, dark regions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from probes.process.isolation import Each, plainly
from probes.reasons import Status
from vigil.accounts.teams import default_team
from vigil.incidents.apply import create_missing_states
from vigil.incidents.core import lifecycle
from vigil.incidents.core.model import IncidentKind, Move, Step, StepReason
from vigil.incidents.models import Incident, MonitorState
from vigil.incidents.state_rows import load, store
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.incidents.write_steps import apply_effect, write_transition

_NONE: frozenset[str] = frozenset()
_RETIRED = Q(monitor__paused=True) | Q(monitor__deleted_at__isnull=False)
_STILL_BELIEVED = ~Q(status=Status.UNKNOWN) | Q(regional=True) | Q(blind=True)


def reconcile_monitors(enqueue: EnqueueDeliveries, each: Each = plainly) -> frozenset[str]:
    """Create missing states, and retire paused and deleted monitors; returns changed ones (public ids)."""
    created = create_missing_states()
    changed: set[str] = set()
    if created:
        fresh = MonitorState.objects.filter(version=0).values_list("monitor__public_id", flat=True)
        changed.update(fresh)
    retired = MonitorState.objects.filter(_RETIRED & _STILL_BELIEVED).values_list("pk", flat=True)
    changed.update(*each("retire", list(retired), lambda key: _retire(key, enqueue), _NONE))
    return frozenset(changed)


def _retire(key: int, enqueue: EnqueueDeliveries) -> frozenset[str]:
    with transaction.atomic():
        row = MonitorState.objects.select_for_update(of=("self",)).select_related("monitor").get(pk=key)
        gone = row.monitor.deleted_at is not None
        why = StepReason.MONITOR_DELETED if gone else StepReason.MONITOR_PAUSED
        subject = load(row)
        apply_effect(subject, lifecycle.retire(subject.state, why), enqueue)
        store(subject)
        return frozenset([row.monitor.public_id])


def settle_flapping(now: datetime, enqueue: EnqueueDeliveries, each: Each = plainly) -> frozenset[str]:
    """Resolve incidents of monitors that are stable again; returns changed ones (public ids)."""
    flapping = MonitorState.objects.filter(flapping=True, status=Status.UP).values_list("pk", flat=True)
    settled = each("settle", list(flapping), lambda key: _settle(key, now, enqueue), _NONE)
    return frozenset(monitor for monitors in settled for monitor in monitors)


def _settle(key: int, now: datetime, enqueue: EnqueueDeliveries) -> frozenset[str]:
    with transaction.atomic():
        row = MonitorState.objects.select_for_update(of=("self",)).select_related("monitor").get(pk=key)
        subject = load(row)
        effect = lifecycle.settle(subject.state, round(now.timestamp() * 1000))
        if effect is None:
            return _NONE
        apply_effect(subject, effect, enqueue)
        store(subject)
        return frozenset([row.monitor.public_id])


def note_dark_regions(dark: Collection[str], silent: Collection[str], enqueue: EnqueueDeliveries) -> None:
    """Open an incident for each dark region, and resolve those of regions that report again."""
    with transaction.atomic():
        open_now = {
            incident.cause_key: incident
            for incident in Incident.objects.select_for_update().filter(
                kind=IncidentKind.BLIND, cause_key__startswith="region:", resolved_at=None
            )
        }
        wanted = {f"region:{region}": region for region in dark}
        for cause in wanted.keys() - open_now.keys():
            incident = Incident(
                team=default_team(),
                kind=IncidentKind.BLIND,
                cause_key=cause,
                title=f"Region {wanted[cause]} is dark",
                started_at=Now(),
                opened_at=Now(),
            )
            incident.save()
            write_transition(incident, Move(IncidentKind.BLIND, Step.OPENED, StepReason.REGION_DARK), enqueue)
        for cause in open_now.keys() - {f"region:{region}" for region in silent}:
            move = Move(IncidentKind.BLIND, Step.RESOLVED, StepReason.REGION_BACK)
            write_transition(open_now[cause], move, enqueue)

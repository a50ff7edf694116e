"""Heartbeat incidents: writes the incident and the monitor state that follow from a step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import connection
from django.db.models.functions import Now

from probes.reasons import Reason, Status
from vigil.heartbeats.core import wording
from vigil.heartbeats.core.pings.wire import Ping
from vigil.heartbeats.core.states import (
    EffectReason,
    HeartbeatEffect,
    HeartbeatState,
    HeartbeatStatus,
    HeartbeatTrouble,
)
from vigil.heartbeats.rows import HeartbeatSubject
from vigil.incidents.composites import follow
from vigil.incidents.core.model import IncidentKind, Move, Step, StepReason
from vigil.incidents.models import Incident, MonitorState
from vigil.incidents.state_rows import MAIN_KINDS
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.incidents.write_steps import Ground, write_transition

_REASONS = {
    EffectReason.MISSED: StepReason.PING_MISSED,
    EffectReason.OVERRAN: StepReason.JOB_OVERRAN,
    EffectReason.FAILED: StepReason.JOB_FAILED,
    EffectReason.OVER_BUDGET: StepReason.BUDGET_EXCEEDED,
    EffectReason.LOOPING: StepReason.BUDGET_EXCEEDED,
    EffectReason.WITHIN_BUDGET: StepReason.BUDGET_KEPT,
}
_FAILURES = {EffectReason.MISSED: Reason.MISSED, EffectReason.OVERRAN: Reason.OVERDUE}


def record(
    subject: HeartbeatSubject, effect: HeartbeatEffect, enqueue: EnqueueDeliveries, ping: Ping | None = None
) -> None:
    """Write the incident step of an effect, if any. Call inside a transaction, with the row locked."""
    before, after = subject.state.trouble, effect.state.trouble
    if effect.why is EffectReason.FAILED_AGAIN:
        _failed_meanwhile(subject, effect)
    if before is after:
        return
    monitor = subject.row.monitor
    # Lock order: the monitor's state before the incident, as ingest does, to avoid deadlock.
    MonitorState.objects.bulk_create([MonitorState(monitor=monitor)], ignore_conflicts=True)
    MonitorState.objects.select_for_update().get(pk=monitor.pk)
    happening = wording.Happening(monitor.name, subject.terms, subject.state, effect, ping)
    ground = Ground(wording.text(happening), wording.title(happening), wording.evidence(happening))
    reason = _REASONS.get(effect.why, StepReason.JOB_WELL)
    incident = Incident.objects.filter(monitor=monitor, kind__in=MAIN_KINDS, resolved_at=None).first()
    if after is HeartbeatTrouble.NONE:
        if incident is not None:
            write_transition(incident, Move(IncidentKind(incident.kind), Step.RESOLVED, reason), enqueue, ground)
        return
    kind = IncidentKind(after.value)
    step = Step.CHANGED if incident else Step.OPENED
    if incident is None:
        begun = _begun(effect) or Now()
        incident = Incident(team_id=monitor.team_id, monitor=monitor, started_at=begun, opened_at=Now(), kind=kind)
        incident.cause_key = wording.shared_gap(effect)
        incident.save()
    incident.kind, incident.title = kind, ground.title
    incident.failure = _FAILURES.get(effect.why, Reason.OK)
    write_transition(incident, Move(kind, step, reason), enqueue, ground)


def _failed_meanwhile(subject: HeartbeatSubject, effect: HeartbeatEffect) -> None:
    """A job that was missing has called and said that it failed: later messages say so."""
    title = wording.title(wording.Happening(subject.row.monitor.name, subject.terms, subject.state, effect))
    opened = Incident.objects.filter(monitor=subject.row.monitor, kind__in=MAIN_KINDS, resolved_at=None)
    opened.filter(failure__in=[reason.value for reason in _FAILURES.values()]).update(
        title=title, failure=Reason.OK.value
    )


def status_of(state: HeartbeatState) -> Status:
    """Monitor status for a heartbeat in this state."""
    if state.trouble is HeartbeatTrouble.DOWN:
        return Status.DOWN
    if state.trouble is HeartbeatTrouble.DEGRADED:
        return Status.DEGRADED
    # A late job has not failed yet; a new or paused one is unknown.
    unknown = state.status is HeartbeatStatus.PAUSED or state.last_success is None
    return Status.UNKNOWN if unknown else Status.UP


def store_beliefs(statuses: Mapping[int, Status], enqueue: EnqueueDeliveries) -> None:
    """Store these monitors' states and update composites. Call inside the transaction of their steps."""
    if not statuses:
        return
    keys = sorted(statuses)
    MonitorState.objects.bulk_create([MonitorState(monitor_id=key) for key in keys], ignore_conflicts=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE incidents_monitorstate s SET status = v.status, since = clock_timestamp(), version = s.version + 1
            FROM unnest(%s::bigint[], %s::text[]) AS v(id, status)
            WHERE s.monitor_id = v.id AND s.status <> v.status
            """,
            [keys, [statuses[key].value for key in keys]],
        )
    follow(keys, enqueue)


def _begun(effect: HeartbeatEffect) -> datetime | None:
    return effect.overran.started if effect.overran else effect.state.since

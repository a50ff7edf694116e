"""Step writer: incidents and steps of an effect, with their evidence, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models.functions import Now

from consensus.review.evidence import to_evidence
from consensus.verdicts import Verdict
from probes.reasons import Reason
from vigil.incidents.core.foretold import FORETOLD
from vigil.incidents.core.model import Effect, IncidentKind, Move, Step, StepReason
from vigil.incidents.core.provider_outage import is_providers
from vigil.incidents.core.wording import note_text, title
from vigil.incidents.models import Incident, MonitorState, Transition
from vigil.incidents.provider_incidents import join, leave, with_witness
from vigil.incidents.shared_causes import group
from vigil.incidents.state_rows import MAIN_KINDS, IncidentSubject, store_dissent
from vigil.incidents.timeline import EnqueueDeliveries, TimelineEntry, add_step
from vigil.monitors.core.providers import provider_of
from vigil.monitors.live.results import instant
from vigil.monitors.models import Monitor

#: One incident per cause for all monitors with too few votes.
BLIND_CAUSE = "too-few-votes"


@dataclass(frozen=True, slots=True)
class Ground:
    """Evidence of a step, as stored: text, evidence, and failure reason.

    A checked monitor's step rests on a verdict; derived steps bring their own. With an empty text the reason's note is
    used.
    """

    text: str = ""
    title: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""


NO_GROUND = Ground()


def ground_of(verdict: Verdict) -> Ground:
    """Ground of a verdict's steps."""
    return Ground(text=verdict.explanation, evidence=to_evidence(verdict), failure=verdict.failure)


def apply_effect(
    subject: IncidentSubject, effect: Effect, enqueue: EnqueueDeliveries, ground: Ground = NO_GROUND
) -> None:
    """Write the steps of an effect and keep its state for storing; call inside a transaction, with the row locked."""
    if any(move.kind is IncidentKind.REGIONAL for move in effect.moves):
        store_dissent(subject, effect.state)
    for move in effect.moves:
        write = _write_blind if move.kind is IncidentKind.BLIND else _write_move
        write(subject.row, move, enqueue, ground)
    subject.state = effect.state


def _provider(monitor: Monitor, failure: str) -> str:
    """The provider whose incident it may be; "" where it is not one."""
    if not is_providers(monitor.kind, failure):
        return ""
    return monitor.provider or provider_of(monitor.config)


def _write_move(row: MonitorState, move: Move, enqueue: EnqueueDeliveries, ground: Ground) -> None:
    if move.step is Step.OPENED:
        incident = Incident(
            team_id=row.monitor.team_id,
            monitor=row.monitor,
            kind=move.kind,
            title=ground.title or title(row.monitor.name, move.kind),
            failure=ground.failure or Reason.OK,
            started_at=instant(move.started_ms) if move.started_ms else Now(),
            opened_at=Now(),
            provider=_provider(row.monitor, ground.failure),
        )
        incident.save()
        of_many = group(incident, ground.evidence)
        if of_many:
            ground = replace(ground, text=f"{ground.text} {of_many}".strip())
        join(incident, enqueue)
    else:
        found = _open_incident(row, move.kind)
        if found is None:
            return
        incident = found
        if move.step is Step.CHANGED:
            incident.kind = move.kind
            incident.title = ground.title or title(row.monitor.name, move.kind)
            incident.failure = ground.failure or incident.failure
            if incident.cause_key.startswith(FORETOLD):
                # A quorum has seen it fail: from now on it is an incident like any other.
                incident.cause_key, incident.provider = "", _provider(row.monitor, ground.failure)
                incident.started_at = incident.opened_at = Now()
                incident.save(update_fields=["cause_key", "provider", "started_at", "opened_at"])
            incident.save(update_fields=["kind", "title", "failure"])
            join(incident, enqueue)
    incident.flapping = move.reason is StepReason.FLAPPING or (incident.flapping and move.step is not Step.RESOLVED)
    write_transition(incident, move, enqueue, ground)
    if move.step is Step.RESOLVED:
        leave(incident, enqueue)


def write_transition(
    incident: Incident, move: Move, enqueue: EnqueueDeliveries, ground: Ground = NO_GROUND
) -> Transition:
    """Add the next step and its deliveries. Call inside a transaction."""
    incident.save(update_fields=["kind", "title", "failure", "flapping"])
    text, evidence = ground.text or note_text(move.reason), ground.evidence
    if incident.part_of_id is None:
        # Otherwise the provider's incident shows it for all.
        text, evidence = with_witness(incident, move.step, text, evidence)
    return add_step(incident, TimelineEntry(move.step, move.reason, text, evidence=evidence), enqueue)


def _write_blind(row: MonitorState, move: Move, enqueue: EnqueueDeliveries, ground: Ground) -> None:
    """Blindness has one incident per cause, so that the operator is alerted once."""
    cause_key = f"{BLIND_CAUSE} ({move.cause})"
    incident = Incident.objects.filter(kind=IncidentKind.BLIND, cause_key=cause_key, resolved_at=None).first()
    if move.step is Step.OPENED and incident is None:
        incident = Incident(
            team_id=row.monitor.team_id,
            kind=IncidentKind.BLIND,
            cause_key=cause_key,
            title=title(row.monitor.name, IncidentKind.BLIND, move.cause),
            started_at=Now(),
            opened_at=Now(),
        )
        incident.save()
        write_transition(incident, move, enqueue, ground)
    elif move.step is Step.RESOLVED and incident is not None:
        others = MonitorState.objects.filter(blind_cause=move.cause).exclude(pk=row.pk)
        if not others.exists():
            write_transition(incident, move, enqueue, ground)


def _open_incident(row: MonitorState, kind: IncidentKind) -> Incident | None:
    kinds = MAIN_KINDS if kind in MAIN_KINDS else (kind,)
    return Incident.objects.filter(monitor=row.monitor, kind__in=kinds, resolved_at=None).first()

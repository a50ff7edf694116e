"""Applies verdicts: one transaction for the state, its incidents, their transitions and whatever is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from consensus.evidence import to_evidence
from consensus.verdicts import Verdict
from probes import keys
from probes.reasons import Reason
from vigil.incidents import lifecycle
from vigil.incidents.lifecycle import Effect, IncidentKind, Move, Step, StepReason
from vigil.incidents.models import Incident, IngestPosition, MonitorState, Transition
from vigil.incidents.states import MAIN_KINDS, Subject, load, store
from vigil.incidents.timeline import Line, Tell, add_step
from vigil.incidents.wording import note_text, title
from vigil.monitors.models import Monitor

#: The one incident of all monitors that have too few votes.
BLIND_CAUSE = "too-few-votes"


@dataclass(frozen=True, slots=True)
class Entry:
    """A verdict and the id of its stream entry."""

    id: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Ground:
    """What a step rests on, as it is stored with it: a text for people, the evidence, and why the subject fails.

    A step of a monitor that regions look at rests on a verdict; what is derived or counted says what it rests on
    itself. Empty parts are left as they are: the text is then a note in the reason's own words.
    """

    text: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""


NO_GROUND = Ground()


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch of verdicts did: the monitors whose state changed (public ids), and why each did what it did."""

    changed: frozenset[str]
    reasons: tuple[StepReason, ...]


def apply_verdicts(entries: Sequence[Entry], tell: Tell) -> Applied:
    """Apply a batch, in order, in one transaction. Applying it again, or elsewhere as well, changes nothing.

    1. Lock the position; entries at or before it were applied already.
    2. Refuse epochs older than the newest seen: a decider that was paused past its lease commits nothing.
    3. Lock the states, step each by the pure life cycle, write the steps and what is told of them.
    4. Advance the position.
    """
    with transaction.atomic():
        position = _locked_position(keys.VERDICTS)
        fresh = [entry for entry in entries if _order(entry.id) > _order(position.entry_id)]
        if not fresh:
            return Applied(frozenset(), ())
        states = _locked_states({entry.verdict.monitor for entry in fresh})
        changed: set[str] = set()
        reasons: list[StepReason] = []
        for entry in fresh:
            verdict = entry.verdict
            subject = states.get(verdict.monitor)
            if subject is None:
                continue
            if verdict.epoch < position.epoch:
                reasons.append(StepReason.OLD_EPOCH)
                continue
            position.epoch = verdict.epoch
            effect = lifecycle.apply(subject.state, verdict, subject.row.monitor.revision)
            apply_effect(subject, effect, tell, ground_of(verdict))
            reasons.append(effect.reason)
            if effect.reason not in (StepReason.OLD_ROUND, StepReason.OLD_REVISION):
                changed.add(verdict.monitor)
                # At once, so that the next verdict of the batch sees who is still blind.
                store(subject)
        position.entry_id = fresh[-1].id
        position.save(update_fields=["entry_id", "epoch"])
    return Applied(frozenset(changed), tuple(reasons))


def ground_of(verdict: Verdict) -> Ground:
    """What the steps of a verdict rest on."""
    return Ground(verdict.explanation, to_evidence(verdict), verdict.failure)


def apply_effect(subject: Subject, effect: Effect, tell: Tell, ground: Ground = NO_GROUND) -> None:
    """Write the steps of an effect, and keep its state to be stored; call inside a transaction, the row locked."""
    for move in effect.moves:
        write = _write_blind if move.kind is IncidentKind.BLIND else _write_move
        write(subject.row, move, tell, ground)
    subject.state = effect.state


def _write_move(row: MonitorState, move: Move, tell: Tell, ground: Ground) -> None:
    if move.step is Step.OPENED:
        incident = Incident(
            team_id=row.monitor.team_id,
            monitor=row.monitor,
            kind=move.kind,
            title=title(row.monitor.name, move.kind),
            failure=ground.failure or Reason.OK,
            started_at=_instant(move.started_ms) if move.started_ms else Now(),
            opened_at=Now(),
        )
        incident.save()
    else:
        found = _open_incident(row, move.kind)
        if found is None:
            return
        incident = found
        if move.step is Step.CHANGED:
            incident.kind = move.kind
            incident.title = title(row.monitor.name, move.kind)
            incident.failure = ground.failure or incident.failure
    incident.flapping = move.reason is StepReason.FLAPPING or (incident.flapping and move.step is not Step.RESOLVED)
    write_transition(incident, move, tell, ground)


def write_transition(incident: Incident, move: Move, tell: Tell, ground: Ground = NO_GROUND) -> Transition:
    """Add the next step to an incident, and tell of it. Call inside a transaction."""
    if move.step is Step.RESOLVED:
        incident.resolved_at = Now()
    incident.save(update_fields=["kind", "title", "failure", "flapping", "resolved_at"])
    text = ground.text or note_text(move.reason)
    return add_step(incident, Line(move.step, move.reason, text, evidence=ground.evidence), tell)


def _write_blind(row: MonitorState, move: Move, tell: Tell, ground: Ground) -> None:
    """Blindness has one incident for all monitors, so that its operator is told once for one cause."""
    incident = Incident.objects.filter(kind=IncidentKind.BLIND, cause_key=BLIND_CAUSE, resolved_at=None).first()
    if move.step is Step.OPENED and incident is None:
        incident = Incident(
            team_id=row.monitor.team_id,
            kind=IncidentKind.BLIND,
            cause_key=BLIND_CAUSE,
            title=title(row.monitor.name, IncidentKind.BLIND),
            started_at=Now(),
            opened_at=Now(),
        )
        incident.save()
        write_transition(incident, move, tell, ground)
    elif move.step is Step.RESOLVED and incident is not None:
        others = MonitorState.objects.filter(blind=True).exclude(pk=row.pk)
        if not others.exists():
            write_transition(incident, move, tell, ground)


def _open_incident(row: MonitorState, kind: IncidentKind) -> Incident | None:
    kinds = MAIN_KINDS if kind in MAIN_KINDS else (kind,)
    return Incident.objects.filter(monitor=row.monitor, kind__in=kinds, resolved_at=None).first()


def _locked_position(stream: str) -> IngestPosition:
    IngestPosition.objects.bulk_create([IngestPosition(stream=stream)], ignore_conflicts=True)
    return IngestPosition.objects.select_for_update().get(pk=stream)


def _locked_states(monitors: set[str]) -> dict[str, Subject]:
    """The states by public id, locked in one order, so that two writers never wait for each other."""
    watched = Monitor.objects.filter(public_id__in=monitors, deleted_at=None, paused=False)
    if watched.filter(believed=None).exists():
        create_missing_states()
    rows = (
        MonitorState.objects.select_for_update(of=("self",))
        .select_related("monitor")
        .filter(monitor__public_id__in=monitors, monitor__deleted_at=None, monitor__paused=False)
        .order_by("monitor_id")
    )
    return {row.monitor.public_id: load(row) for row in rows}


def create_missing_states() -> int:
    """Give every watched monitor a state of its own; returns how many were new."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO incidents_monitorstate
                (monitor_id, status, account, dissent, passed_rounds, round_ms, flips_ms, regional, blind, flapping,
                 version)
            SELECT id, 'unknown', false, '{}', 0, 0, '[]', false, false, false, 0 FROM monitors_monitor
            WHERE deleted_at IS NULL AND NOT paused
              AND NOT EXISTS (SELECT 1 FROM incidents_monitorstate s WHERE s.monitor_id = monitors_monitor.id)
            ON CONFLICT DO NOTHING
            """
        )
        return int(cursor.rowcount)


def _order(entry_id: str) -> tuple[int, int]:
    millis, _, sequence = entry_id.partition("-")
    return int(millis), int(sequence or 0)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)

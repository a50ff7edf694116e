"""Verdict applier: one transaction for states, incidents, transitions and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from consensus.shards import WHOLE, Shard
from consensus.verdicts import Verdict
from probes import keys
from vigil.database.transaction_cache import batch
from vigil.incidents.composites import follow
from vigil.incidents.core import lifecycle
from vigil.incidents.core.model import BelievedState, StepReason
from vigil.incidents.models import IngestPosition, MonitorState
from vigil.incidents.state_rows import IncidentSubject, load, store
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.incidents.write_steps import apply_effect, ground_of
from vigil.monitors.models import Monitor


@dataclass(frozen=True, slots=True)
class VerdictEntry:
    """A verdict and its stream id."""

    id: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class AppliedVerdicts:
    """Result of a batch: monitors whose state changed (public ids), and the reason of each step."""

    changed: frozenset[str]
    reasons: tuple[StepReason, ...]


def apply_verdicts(
    entries: Sequence[VerdictEntry], enqueue: EnqueueDeliveries, shard: Shard = WHOLE
) -> AppliedVerdicts:
    """Apply a batch of a shard, in order, in one transaction. Idempotent.

    1. Lock the position; entries at or before it were applied already.
    2. Refuse older epochs of the same decider's shard (fencing): one that was paused past its lease commits nothing.
    3. Lock the states, step each by the pure life cycle, write steps and deliveries.
    4. Update the composites over changed monitors.
    5. Advance the position.
    """
    with transaction.atomic(), batch():
        position = _locked_position(shard.named(keys.VERDICTS))
        fresh = [entry for entry in entries if keys.entry_id(entry.id) > keys.entry_id(position.entry_id)]
        if not fresh:
            return AppliedVerdicts(frozenset(), ())
        fences = _fences(position, {entry.verdict.shard for entry in fresh})
        states = _locked_states({entry.verdict.monitor for entry in fresh})
        before = {subject.row.monitor_id: _shown(subject.state) for subject in states.values()}
        changed: set[str] = set()
        reasons: list[StepReason] = []
        for entry in fresh:
            verdict = entry.verdict
            subject = states.get(verdict.monitor)
            if subject is None:
                continue
            fence = fences[verdict.shard]
            if verdict.epoch < fence.epoch:
                reasons.append(StepReason.OLD_EPOCH)
                continue
            fence.epoch = verdict.epoch
            effect = lifecycle.apply(subject.state, verdict, subject.row.monitor.revision)
            apply_effect(subject, effect, enqueue, ground_of(verdict))
            reasons.append(effect.reason)
            if effect.reason not in (StepReason.OLD_ROUND, StepReason.OLD_REVISION):
                changed.add(verdict.monitor)
                # Stored at once, so that the next verdict of the batch sees it.
                store(subject)
        moved = {key for subject in states.values() if _shown(subject.state) != before[key := subject.row.monitor_id]}
        changed |= follow(moved, enqueue)
        position.entry_id = fresh[-1].id
        for fence in {position.stream: position, **{one.stream: one for one in fences.values()}}.values():
            fence.save(update_fields=["entry_id", "epoch"])
    return AppliedVerdicts(frozenset(changed), tuple(reasons))


def pass_entry(entry_id: str, shard: Shard = WHOLE) -> None:
    """Move the position past an entry that became a dead letter; call inside the transaction that keeps the letter."""
    position = _locked_position(shard.named(keys.VERDICTS))
    if keys.entry_id(entry_id) > keys.entry_id(position.entry_id):
        position.entry_id = entry_id
        position.save(update_fields=["entry_id"])


def _fences(position: IngestPosition, shards: set[str]) -> dict[str, IngestPosition]:
    """The row that holds the newest epoch of each decider's shard; that of the whole is the position itself."""
    return {name: _locked_position(f"{position.stream} of {name}") if name else position for name in sorted(shards)}


def _shown(state: BelievedState) -> tuple[object, ...]:
    """The part of a state that composites depend on."""
    return state.status, state.account, state.blind, state.flapping, state.open


def _locked_position(stream: str) -> IngestPosition:
    IngestPosition.objects.bulk_create([IngestPosition(stream=stream)], ignore_conflicts=True)
    return IngestPosition.objects.select_for_update().get(pk=stream)


def _locked_states(monitors: set[str]) -> dict[str, IncidentSubject]:
    """States by public id, locked in a fixed order to avoid deadlock."""
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
    """Create a state for every watched monitor without one; returns their number."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO incidents_monitorstate
                (monitor_id, status, account, dissent, passed_rounds, round_ms, flips_ms, regional, blind, flapping,
                 blind_cause, version)
            SELECT id, 'unknown', false, '{}', 0, 0, '[]', false, false, false, '', 0 FROM monitors_monitor
            WHERE deleted_at IS NULL AND NOT paused
              AND NOT EXISTS (SELECT 1 FROM incidents_monitorstate s WHERE s.monitor_id = monitors_monitor.id)
            ON CONFLICT DO NOTHING
            """
        )
        return int(cursor.rowcount)

"""Heartbeat sweeper: late, down and excused jobs by the clock. Concurrent sweepers share rows by lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from probes.process.isolation import Each, plainly
from vigil.heartbeats import changes, receiver_gaps, rows
from vigil.heartbeats.core.lifecycle import on_clock
from vigil.heartbeats.core.pings.address import RESERVED
from vigil.heartbeats.core.reception import ReceiverGap
from vigil.heartbeats.core.states import EffectReason, HeartbeatStatus
from vigil.heartbeats.incidents import record, status_of, store_beliefs
from vigil.heartbeats.models import Heartbeat
from vigil.heartbeats.rows import HeartbeatSubject
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.silences.core.windows import MAX_DURATION
from vigil.silences.covering import paused_intervals

BATCH = 500
#: A job that waits is looked at again after this: a maintenance window may have been ended since.
LOOK_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Swept:
    """Result of a sweep by reason; `more` when rows were left for the next."""

    reasons: dict[EffectReason, int] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True, slots=True)
class Gaps:
    """Receiver gaps, for all monitors, and maintenance windows, for single ones (public ids)."""

    everyone: Sequence[ReceiverGap] = ()
    of: Mapping[str, Sequence[ReceiverGap]] = field(default_factory=dict)


def sweep(
    enqueue: EnqueueDeliveries, limit: int = BATCH, only: Sequence[int] | None = None, but: Sequence[int] = ()
) -> Swept:
    """Step due heartbeats, longest overdue first, in one transaction.

    Time is what the receivers have reached, never later than the database's clock: a ping that came in time and is
    still on its way to be applied is waited for. Rows that another sweeper, or a ping, holds are left to it. `only`
    and `but` name heartbeats by their keys.
    """
    with transaction.atomic():
        now = receiver_gaps.horizon()
        if now is None:
            return Swept()
        due = _due(now, only, but).select_for_update(of=("self",), skip_locked=True)
        subjects = [rows.load(row) for row in due.select_related("monitor")[:limit]]
        if not subjects:
            return Swept()
        gaps = _gaps(subjects, now)
        reasons: dict[EffectReason, int] = {}
        beliefs = {}
        for subject in subjects:
            before = status_of(subject.state)
            mine = [*gaps.everyone, *gaps.of.get(subject.row.monitor.public_id, ())]
            why = _step(subject, now, mine, enqueue)
            reasons[why] = reasons.get(why, 0) + 1
            if status_of(subject.state) is not before:
                beliefs[subject.row.pk] = status_of(subject.state)
        rows.store(subjects)
        store_beliefs(beliefs, enqueue)
    return Swept(reasons, more=len(subjects) >= limit)


def due_keys(but: Sequence[int] = ()) -> list[int]:
    """The heartbeats that `sweep` would take now, by their keys."""
    now = receiver_gaps.horizon()
    return [] if now is None else list(_due(now, None, but).values_list("pk", flat=True)[:BATCH])


def _due(now: datetime, only: Sequence[int] | None, but: Sequence[int]) -> QuerySet[Heartbeat]:
    due = Heartbeat.objects.filter(due_at__lte=now, monitor__paused=False, monitor__deleted_at=None)
    if only is not None:
        due = due.filter(pk__in=only)
    return (due.exclude(pk__in=but) if but else due).order_by("due_at")


def follow_monitors(named: Sequence[str] | None = None, each: Each = plainly) -> int:
    """Sync heartbeats with pauses, resumes and deletions of monitors (public ids; None: all)."""
    stopped = Q(monitor__paused=True) | Q(monitor__deleted_at__isnull=False)
    asleep = Q(status=HeartbeatStatus.PAUSED)
    unburied = Q(monitor__deleted_at__isnull=False) & ~Q(slug__startswith=RESERVED)
    differing = Heartbeat.objects.filter((stopped & ~asleep) | (~stopped & asleep) | unburied)
    if named is not None:
        differing = differing.filter(monitor__public_id__in=named)
    return sum(each("follow", list(differing.values_list("pk", flat=True)), _follow_one, 0))


def _follow_one(key: int) -> int:
    with transaction.atomic():
        row = Heartbeat.objects.select_for_update(of=("self",)).select_related("monitor").get(pk=key)
        changed = int(changes.sync_pause(row))
        if row.monitor.deleted_at is not None and not row.slug.startswith(RESERVED):
            changes.release_names(row)
    return changed


def _step(
    subject: HeartbeatSubject, now: datetime, gaps: Sequence[ReceiverGap], enqueue: EnqueueDeliveries
) -> EffectReason:
    effect = on_clock(subject.state, subject.terms, now, gaps)
    record(subject, effect, enqueue)
    subject.state = effect.state
    subject.again = min(effect.again, now + LOOK_AGAIN) if effect.again else None
    return effect.why


def _gaps(subjects: Sequence[HeartbeatSubject], now: datetime) -> Gaps:
    """Gaps and maintenance windows that may have hidden a ping of any of these."""
    begins = [subject.state.expected - subject.terms.grace for subject in subjects if subject.state.expected]
    begins += [run.started for subject in subjects for run in subject.state.runs]
    if not begins:
        return Gaps()
    # A current window lasts until it ends.
    paused = paused_intervals(min(begins), now + MAX_DURATION)
    of = {
        monitor: [ReceiverGap(window.starts, window.ends, planned=True) for window in held]
        for monitor, held in paused.items()
    }
    return Gaps(receiver_gaps.gaps_since(min(begins)), of)

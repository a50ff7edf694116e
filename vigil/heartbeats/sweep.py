"""What the clock does to heartbeats: late, down, excused. Any number may sweep: a row has one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from vigil.heartbeats import changes, receiver_gaps, rows
from vigil.heartbeats.core.lifecycle import on_clock
from vigil.heartbeats.core.states import EffectReason, HeartbeatStatus, ReceiverGap
from vigil.heartbeats.incidents import believe, record, status_of
from vigil.heartbeats.models import Heartbeat
from vigil.heartbeats.rows import HeartbeatSubject
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.silences.core.windows import MAX_DURATION
from vigil.silences.covering import paused_intervals

BATCH = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did, by reason; `more` when rows were left for the next."""

    reasons: dict[EffectReason, int] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True, slots=True)
class Gaps:
    """Times in which nobody is blamed: for everyone, and for single monitors (public ids)."""

    everyone: Sequence[ReceiverGap] = ()
    of: Mapping[str, Sequence[ReceiverGap]] = field(default_factory=dict)


def sweep(enqueue: EnqueueDeliveries, limit: int = BATCH) -> Swept:
    """Step the heartbeats whose time has come, those that waited longest first, in one transaction.

    Time is what the receivers have reached, never later than the database's clock: a ping that came in time and is
    still on its way to be applied is waited for. Rows that another sweeper, or a ping, holds are left to it.
    """
    with transaction.atomic():
        now = receiver_gaps.horizon()
        if now is None:
            return Swept()
        due = (
            Heartbeat.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("monitor")
            .filter(due_at__lte=now, monitor__paused=False, monitor__deleted_at=None)
            .order_by("due_at")[:limit]
        )
        subjects = [rows.load(row) for row in due]
        if not subjects:
            return Swept()
        gaps = _gaps(subjects, now)
        reasons: dict[EffectReason, int] = {}
        beliefs = {}
        for subject in subjects:
            before = status_of(subject.state)
            excusing = [*gaps.everyone, *gaps.of.get(subject.row.monitor.public_id, ())]
            why = _step(subject, now, excusing, enqueue)
            reasons[why] = reasons.get(why, 0) + 1
            if status_of(subject.state) is not before:
                beliefs[subject.row.pk] = status_of(subject.state)
        rows.store(subjects)
        believe(beliefs, enqueue)
    return Swept(reasons, more=len(subjects) >= limit)


def follow_monitors(named: Sequence[str] | None = None) -> int:
    """Make heartbeats follow what became of their monitors (public ids; None: all): paused, resumed, deleted."""
    stopped = Q(monitor__paused=True) | Q(monitor__deleted_at__isnull=False)
    asleep = Q(status=HeartbeatStatus.PAUSED)
    unburied = Q(monitor__deleted_at__isnull=False) & ~Q(slug__startswith="deleted-")
    differing = Heartbeat.objects.filter((stopped & ~asleep) | (~stopped & asleep) | unburied)
    if named is not None:
        differing = differing.filter(monitor__public_id__in=named)
    changed = 0
    for key in list(differing.values_list("pk", flat=True)):
        with transaction.atomic():
            row = Heartbeat.objects.select_for_update(of=("self",)).select_related("monitor").get(pk=key)
            changed += changes.adopt_pause(row)
            if row.monitor.deleted_at is not None and not row.slug.startswith("deleted-"):
                changes.bury(row)
    return changed


def next_due() -> datetime | None:
    """When the clock has something to decide next."""
    return Heartbeat.objects.filter(due_at__isnull=False).order_by(F("due_at")).values_list("due_at", flat=True).first()


def _step(
    subject: HeartbeatSubject, now: datetime, gaps: Sequence[ReceiverGap], enqueue: EnqueueDeliveries
) -> EffectReason:
    effect = on_clock(subject.state, subject.terms, now, gaps)
    record(subject, effect, enqueue)
    subject.state = effect.state
    return effect.why


def _gaps(subjects: Sequence[HeartbeatSubject], now: datetime) -> Gaps:
    """The gaps that may excuse any of these: in which no ping could come, or in which a window wanted none."""
    begins = [subject.state.expected - subject.terms.grace for subject in subjects if subject.state.expected]
    begins += [run.started for subject in subjects for run in subject.state.runs]
    if not begins:
        return Gaps()
    # A window that holds now excuses until it ends.
    paused = paused_intervals(min(begins), now + MAX_DURATION)
    of = {monitor: [ReceiverGap(window.starts, window.ends) for window in held] for monitor, held in paused.items()}
    return Gaps(receiver_gaps.gaps_since(min(begins)), of)

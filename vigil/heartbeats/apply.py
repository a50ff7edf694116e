"""Ping applier: one transaction for ping history, heartbeat states, incidents and the stream position.

Idempotent: a ping is recognised by its id however often it comes, and spooled entries are deleted once applied. One
applier at a time holds the position.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import msgspec
import structlog
from django.db import transaction
from msgspec.structs import replace

from probes import keys
from probes.process.dead_letters import entry_of
from probes.process.isolation import Isolation
from probes.reasons import Status
from vigil.clock import database_wall_now
from vigil.heartbeats import receiver_gaps, rows
from vigil.heartbeats.core.lifecycle import on_ping
from vigil.heartbeats.core.pings.body import understood
from vigil.heartbeats.core.pings.wire import LogEntry, Ping, decode, encode
from vigil.heartbeats.core.states import HeartbeatStatus, PingFacts
from vigil.heartbeats.incidents import record, status_of, store_beliefs
from vigil.heartbeats.lookup import HeartbeatLookup
from vigil.heartbeats.models import SpooledEntry
from vigil.heartbeats.rows import HeartbeatSubject
from vigil.heartbeats.stored_pings import StoredPings
from vigil.incidents.models import IngestPosition
from vigil.incidents.timeline import EnqueueDeliveries

log = structlog.get_logger()

#: Name of the position row, which is also the lock.
POSITION = "vigil:pings"
SPOOL_BATCH = 200


@dataclass(frozen=True, slots=True)
class Logged:
    """A log entry and its stream id."""

    id: str
    entry: LogEntry


@dataclass(frozen=True, slots=True)
class AppliedPings:
    """Result of a batch: pings applied, and pings without a heartbeat."""

    pings: int
    unknown: int


def apply_each(entries: Sequence[Logged], enqueue: EnqueueDeliveries, isolation: Isolation) -> AppliedPings:
    """`apply_entries`; where that fails, ping by ping: one that fails alone twice is a dead letter.

    The pings behind it are applied after it was kept, those of the same job as well. Raises when a server is away.
    """
    while entries and anything_spooled(more_than=SPOOL_BATCH):
        # What PostgreSQL took came before: the watermark of the log must not pass it.
        apply_each([], enqueue, isolation)
    try:
        return apply_entries(entries, enqueue)
    except Exception as error:
        if isolation.refusal(error):
            raise
        log.warning("ping.batch_failed", error=type(error).__name__)
    spooled = list(SpooledEntry.objects.order_by("id")[:SPOOL_BATCH])
    singles = [single for logged in entries for single in _singles(logged)]
    for row in spooled:
        letter = entry_of(keys.PINGS, "", bytes(row.entry))
        entry = isolation.entry("decode", "spool", partial(decode, letter.payload), letter)
        singles += _singles(Logged("", entry)) if entry is not None else []
    if spooled:
        singles.sort(key=lambda single: single.entry.pings[0].at_us if single.entry.pings else single.entry.beat_us)

    def bury(single: Logged, error: Exception) -> None:
        address = single.entry.pings[0].address if single.entry.pings else None
        origin = (address.code or address.slug) if address else "receiver"
        isolation.bury("apply", origin, error, entry_of(keys.PINGS, single.id, encode(single.entry)))

    done = isolation.apply(singles, lambda part: apply_entries(part, enqueue, with_spool=False), bury)
    SpooledEntry.objects.filter(pk__in=[row.pk for row in spooled]).delete()
    return AppliedPings(sum(one.pings for one in done), sum(one.unknown for one in done))


def _singles(logged: Logged) -> list[Logged]:
    """An entry as one for each of its pings, and one for the receiver's sign of life, which comes after them."""
    entry = logged.entry
    parts = [replace(entry, pings=[ping], beat_us=0) for ping in entry.pings]
    return [Logged(logged.id, part) for part in (*parts, replace(entry, pings=[]))]


def apply_entries(entries: Sequence[Logged], enqueue: EnqueueDeliveries, *, with_spool: bool = True) -> AppliedPings:
    """Apply a batch of the log together with what waits in the spool, in the order in which it came.

    1. Lock the position; drop pings already applied.
    2. Lock the called heartbeats; step each by the pure life cycle; write steps and deliveries.
    3. Write history and states; advance the position; delete spooled entries.
    """
    with transaction.atomic():
        position = _locked_position()
        rows_held = SpooledEntry.objects.select_for_update(skip_locked=True).order_by("id")
        spooled = list(rows_held[:SPOOL_BATCH]) if with_spool else []
        waiting = [*(each.entry for each in entries), *_readable(spooled)]
        pings = [ping for entry in waiting for ping in entry.pings]
        if spooled:
            # Two logs may be merged; within one the pings are already in order.
            pings.sort(key=lambda ping: ping.at_us)
        applied, unknown = _apply_pings(pings, enqueue)
        receiver_gaps.hear([entry.beat_us for entry in waiting if entry.beat_us])
        if spooled:
            SpooledEntry.objects.filter(pk__in=[row.pk for row in spooled]).delete()
        if entries and entries[-1].id:
            position.entry_id = entries[-1].id
            position.save(update_fields=["entry_id"])
    return AppliedPings(applied, unknown)


def anything_spooled(more_than: int = 0) -> bool:
    return SpooledEntry.objects.all()[more_than : more_than + 1].exists()


def _apply_pings(pings: Sequence[Ping], enqueue: EnqueueDeliveries) -> tuple[int, int]:
    history = StoredPings(pings)
    fresh = history.fresh(pings)
    if not fresh:
        return 0, 0
    now = database_wall_now()
    directory = HeartbeatLookup(fresh)
    beliefs: dict[int, Status] = {}
    unknown = 0
    for ping in fresh:
        subject = directory.find(ping.address)
        if subject is None:
            unknown += 1
            continue
        before = status_of(subject.state)
        _apply_one(subject, ping, now, history, enqueue)
        if status_of(subject.state) is not before:
            beliefs[subject.row.pk] = status_of(subject.state)
    history.write()
    rows.store(directory.called)
    store_beliefs(beliefs, enqueue)
    return len(fresh) - unknown, unknown


def _apply_one(
    subject: HeartbeatSubject, ping: Ping, now: datetime, history: StoredPings, enqueue: EnqueueDeliveries
) -> None:
    meant, facts = understood(ping, rows.keywords_of(subject.row))
    # A receiver whose clock is ahead must not postpone a deadline.
    at = min(receiver_gaps.instant(ping.at_us), now)
    effect = on_ping(subject.state, subject.terms, PingFacts(at, meant.kind, meant.rid, facts))
    if subject.state.status is HeartbeatStatus.PAUSED and effect.state.status is not HeartbeatStatus.PAUSED:
        _wake(subject)
    record(subject, effect, enqueue, meant)
    subject.state = effect.state
    subject.row.pings += 1
    subject.row.last_ping_at = max(filter(None, (subject.row.last_ping_at, at)))
    history.add(subject.row, meant, at, effect.duration, facts)


def _wake(subject: HeartbeatSubject) -> None:
    """Resume a paused heartbeat that waited for this ping."""
    monitor = subject.row.monitor
    monitor.paused = False
    monitor.revision += 1
    monitor.save(update_fields=["paused", "revision", "updated_at"])


def _readable(spooled: Iterable[SpooledEntry]) -> Iterable[LogEntry]:
    for row in spooled:
        try:
            yield decode(bytes(row.entry))
        except msgspec.DecodeError as error:
            # Written by Vigil: a newer version or a damaged row, so a retry would fail too.
            log.error("ping.unreadable", entry=row.pk, error=str(error))


def _locked_position() -> IngestPosition:
    found = IngestPosition.objects.select_for_update().filter(pk=POSITION).first()
    if found is None:
        IngestPosition.objects.bulk_create([IngestPosition(stream=POSITION)], ignore_conflicts=True)
        found = IngestPosition.objects.select_for_update().get(pk=POSITION)
    return found

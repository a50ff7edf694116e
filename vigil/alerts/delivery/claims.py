"""Claims: takes due rows of the outbox under a lease, and groups them in a storm.

One transaction: lock channels, so that only one sender groups their rows; pick rows in order; plan them with
`core.grouping`; write. Channels and rows of other senders are skipped (SKIP LOCKED), not waited for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from vigil.alerts.channels import CHANNELS, ChannelSettingsError, parse_config
from vigil.alerts.core import group_keys, grouping
from vigil.alerts.core.decision import Event
from vigil.alerts.core.grouping import Due, GroupingPlan, Limits
from vigil.alerts.core.pacing import Pace
from vigil.alerts.core.retry import ALONE_AFTER, alone_again_s
from vigil.alerts.crashpoints import CrashPoint, reach
from vigil.alerts.delivery import group_rows
from vigil.alerts.delivery.claim_rows import ClaimRow, Destination, busy_threads, due_rows, lock_channels, lone_row
from vigil.database.session_lock import SessionLock
from vigil.monitors.core.targets import target_of

#: Longer than any wait for a turn and any send, so only a sender that hangs loses its lease. A dead one loses its
#: claims with its session (`abandoned_claims`).
LEASE = timedelta(seconds=45)
#: Due rows of one channel per pass: enough to group a whole storm at once.
LOOKED_AT = 12_000
#: Pause before a digest whose predecessor is in flight is looked at again.
TURN_S = 1.0

_WRITE = """
WITH held AS (
    UPDATE alerts_delivery d SET due_at = to_timestamp(h.until) FROM unnest(%(held)s::bigint[], %(until)s::float8[])
        AS h(id, until) WHERE d.id = h.id AND d.state = 'pending'
), led AS (
    UPDATE alerts_delivery d SET state = 'gathered', leader_id = l.leader, thread_id = l.thread,
           lease_until = NULL, lease_token = NULL
    FROM unnest(%(led)s::bigint[], %(leaders)s::bigint[], %(led_threads)s::bigint[]) AS l(id, leader, thread)
    WHERE d.id = l.id
)
UPDATE alerts_delivery d SET state = 'sending', lease_until = now() + %(lease)s, lease_token = %(token)s,
       attempts = d.attempts + 1, unfinished = LEAST(d.unfinished + 1, 1000),
       thread_id = p.thread, tells = p.tells,
       due_at = CASE WHEN p.again_s > 0 THEN now() + p.again_s * interval '1 second' ELSE d.due_at END
FROM unnest(%(ids)s::bigint[], %(threads)s::bigint[], %(tells)s::int[], %(again)s::float8[])
    AS p(id, thread, tells, again_s)
WHERE d.id = p.id
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this process holds until its lease expires. `thread` is the digest it belongs to.

    `unfinished` is how many attempts before this one ended without an outcome.
    """

    id: int
    token: UUID
    destination: Destination
    attempts: int
    age: timedelta
    tells: int
    thread: int | None = None
    reference: str = ""
    cause: str = ""
    unfinished: int = 0


def claim(
    room: Mapping[int, int],
    default_room: int,
    full: Collection[int],
    owner: SessionLock | None = None,
    alone: bool = False,
) -> list[Claim]:
    """Claim due messages: `room` is the number of free slots per channel, `full` the channels without any.

    Without an `owner` only the lease frees what is claimed. `alone`: one message of those that are sent alone, because
    their attempts ended without an outcome; such are left out otherwise.
    """
    with transaction.atomic():
        if owner is not None:
            owner.hold()
        destinations, now_s = lock_channels(full)
        if not destinations:
            return []
        limits = {key: _limit(one, room.get(key, default_room)) for key, one in destinations.items()}
        rows = lone_row(limits) if alone else due_rows(limits)
        busy = busy_threads(rows)
        reach(CrashPoint.CLAIM_LOCKED)
        claims: list[Claim] = []
        writing = _Writing(owner.token() if owner is not None else uuid4())
        for key, mine in rows.items():
            mine = _in_turn(destinations[key], mine, busy, now_s, writing)
            plan = _plan(destinations[key], mine, now_s, room.get(key, default_room))
            claims += writing.take(destinations[key], mine, plan)
        writing.write()
        reach(CrashPoint.CLAIM_WRITTEN)
    reach(CrashPoint.CLAIM_COMMITTED)
    return claims


def seconds_to_next() -> float | None:
    """Seconds until the next message is due; None when nothing waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM min(due_at) - now()) FROM alerts_delivery"
            " WHERE state IN ('pending', 'sending') AND due_at > now()"
        )
        row = cursor.fetchone()
    return float(row[0]) if row and row[0] is not None else None


def _limit(destination: Destination, room: int) -> int:
    return LOOKED_AT if _gathers(destination) else room * _together_most(destination)


def _in_turn(
    destination: Destination, rows: list[ClaimRow], busy: frozenset[int], now_s: float, writing: _Writing
) -> list[ClaimRow]:
    """The rows without those of a digest that has a message in flight: a digest is sent in order."""
    if not busy or not _keeps(destination):
        return rows
    waiting = {row.id for row in rows if row.thread is None and row.first_gathered and row.first_leader in busy}
    writing.hold(dict.fromkeys(waiting, now_s + TURN_S))
    return [row for row in rows if row.id not in waiting]


def _plan(destination: Destination, rows: Sequence[ClaimRow], now_s: float, room: int) -> GroupingPlan:
    if not _gathers(destination):
        return GroupingPlan(alone=[row.id for row in rows][: room * _together_most(destination)])
    due = [_due_of(row, _keeps(destination)) for row in rows]
    known = group_rows.load(destination.id, grouping.keys_of(due))
    plan = grouping.gather(due, known, now_s, _limits(destination, room))
    group_rows.save(destination.id, plan.states)
    return plan


def _limits(destination: Destination, room: int) -> Limits:
    kind = CHANNELS[destination.kind]
    try:
        pace = kind.pace(parse_config(destination.kind, destination.config))
    except ChannelSettingsError:
        pace = Pace(per_s=1.0)
    return grouping.limits_of(room, kind.names_most, pace.burst, pace.per_s)


def _due_of(row: ClaimRow, keeps: bool) -> Due:
    if row.attempts:
        return Due(row.id, fixed=True)
    if row.first_gathered:
        # Where the receiver keeps alerts open by key, the rest of a digest is sent digest by digest.
        return Due(row.id, ends=f"{row.event}|ends:{row.first_leader}" if keeps else f"{row.event}|ends")
    if row.event == Event.NOTICE:
        # Notices can wait for each other: what is due at once is one message.
        return Due(row.id, whole=group_keys.NOTICES)
    if keeps and row.event != Event.TRIGGER:
        return Due(row.id)
    tags = group_rows.decoded(row.tags) or ()
    target = target_of(group_rows.decoded(row.config))
    subject = group_keys.GroupingSubject(target, tuple(map(str, tags)), tuple(row.parents), row.shared)
    strong, weak = group_keys.strong_keys(row.event, subject), group_keys.weak_keys(row.event, subject)
    return Due(row.id, strong, weak, whole=group_keys.whole_key(row.event, subject))


class _Writing:
    """Writes of a pass, collected over all channels for one statement."""

    def __init__(self, token: UUID) -> None:
        self._token = token
        self._held: dict[int, float] = {}
        self._led: list[tuple[int, int, int | None]] = []
        self._claimed: list[tuple[int, int | None, int, float]] = []

    def take(self, destination: Destination, rows: Sequence[ClaimRow], plan: GroupingPlan) -> list[Claim]:
        """Add a channel's plan; returns its claims."""
        by_id = {row.id: row for row in rows}
        self.hold(plan.held)
        claims = [self._claim(destination, by_id[key], by_id[key].tells, "") for key in plan.alone]
        for group in plan.groups:
            leader, *others = (by_id[key] for key in group.ids)
            thread = _thread(destination, leader)
            self._led += [(row.id, leader.id, thread) for row in others]
            claims.append(self._claim(destination, leader, len(group.ids), group_keys.in_words(group.key)))
        return claims

    def hold(self, until_s: Mapping[int, float]) -> None:
        self._held.update(until_s)

    def write(self) -> None:
        if not (self._held or self._claimed):
            return
        values: dict[str, Any] = {
            "held": list(self._held),
            "until": list(self._held.values()),
            "led": [row[0] for row in self._led],
            "leaders": [row[1] for row in self._led],
            "led_threads": [row[2] for row in self._led],
            "ids": [row[0] for row in self._claimed],
            "threads": [row[1] for row in self._claimed],
            "tells": [row[2] for row in self._claimed],
            "again": [row[3] for row in self._claimed],
            "lease": LEASE,
            "token": self._token,
        }
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, values)

    def _claim(self, destination: Destination, row: ClaimRow, tells: int, cause: str) -> Claim:
        thread = _thread(destination, row)
        again_s = alone_again_s(row.unfinished) if row.unfinished >= ALONE_AFTER else 0.0
        self._claimed.append((row.id, thread, tells, again_s))
        reference = "" if row.first_gathered or tells > 1 else row.reference or ""
        attempts, done = row.attempts + 1, row.unfinished
        return Claim(row.id, self._token, destination, attempts, row.age, tells, thread, reference, cause, done)


def _gathers(destination: Destination) -> bool:
    kind = CHANNELS.get(destination.kind)
    return destination.gather and kind is not None and not kind.renew_s


def _together_most(destination: Destination) -> int:
    kind = CHANNELS.get(destination.kind)
    return kind.together_most if kind is not None else 1


def _keeps(destination: Destination) -> bool:
    return destination.kind in CHANNELS and CHANNELS[destination.kind].keeps_alerts


def _thread(destination: Destination, row: ClaimRow) -> int | None:
    return row.first_leader if _keeps(destination) and row.first_gathered else None

"""Claim queries: channels with due messages, locked by one sender at a time, and their rows in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from vigil.accounts.sealed import Secrets
from vigil.alerts.core.retry import ALONE_AFTER
from vigil.alerts.delivery import group_rows

_CHANNELS = """
SELECT c.id, c.kind, c.config, c.secrets, c.gather, c.enabled, c.refused <> '[]'::jsonb, c.updated_at,
       extract(epoch FROM now())
FROM alerts_channel c
WHERE c.id IN (
    SELECT channel_id FROM alerts_delivery
    WHERE (state = 'pending' AND due_at <= now()) OR (state = 'sending' AND lease_until < now()))
  AND c.id <> ALL(%(full)s)
FOR NO KEY UPDATE SKIP LOCKED
"""

# Due rows, in order. A message waits for every earlier one of its incident on its channel, so a resolve never overtakes
# its trigger. `first` is the first accepted message of the incident, which later ones refer to.
_DUE = """
SELECT d.channel_id, d.id, d.event, d.attempts, d.unfinished, d.tells, d.thread_id, now() - d.created_at,
       first.id, first.tells > 1 OR first.leader_id IS NOT NULL, coalesce(first.leader_id, first.id), first.reference,
       m.config, m.tags, ARRAY(SELECT parent_id FROM monitors_dependency WHERE child_id = m.id ORDER BY 1),
       coalesce(i.cause_key, '')
FROM unnest(%(channels)s::bigint[], %(limits)s::int[]) AS c(id, most) CROSS JOIN LATERAL (
    SELECT * FROM alerts_delivery d
    WHERE d.channel_id = c.id AND d.state IN ('pending', 'sending')
      AND CASE WHEN %(alone)s THEN d.unfinished >= %(alone_after)s AND d.due_at <= now()
               ELSE d.unfinished < %(alone_after)s END
      AND ((d.state = 'pending' AND d.due_at <= now()) OR (d.state = 'sending' AND d.lease_until < now()))
      AND NOT EXISTS (
          SELECT 1 FROM alerts_delivery e
          WHERE e.incident_id = d.incident_id AND e.channel_id = d.channel_id
            AND e.id < d.id AND e.state IN ('pending', 'sending', 'gathered'))
    ORDER BY d.due_at, d.id
    LIMIT c.most
    FOR UPDATE SKIP LOCKED
) d
LEFT JOIN incidents_incident i ON i.id = d.incident_id
LEFT JOIN monitors_monitor m ON m.id = i.monitor_id
LEFT JOIN LATERAL (
    SELECT t.id, t.tells, t.leader_id, t.reference FROM alerts_delivery t
    WHERE t.incident_id = d.incident_id AND t.channel_id = d.channel_id AND t.event = 'trigger' AND t.state = 'sent'
      AND t.id < d.id
    ORDER BY t.id LIMIT 1
) first ON true
ORDER BY d.due_at, d.id
"""

# Only what is due, in an index of few rows: the number stands in it as it does there.
_HAS_ALONE = f"""
SELECT 1 FROM alerts_delivery
WHERE state IN ('pending', 'sending') AND unfinished >= {ALONE_AFTER} AND due_at <= now()
  AND (state = 'pending' OR lease_until < now()) AND channel_id <> ALL(%s) LIMIT 1
"""

_BUSY_THREADS = """
SELECT DISTINCT thread_id FROM alerts_delivery
WHERE thread_id = ANY(%s) AND state IN ('pending', 'sending', 'gathered')
"""

_SWITCHED_OFF = """
UPDATE alerts_delivery SET state = 'dead', lease_until = NULL, lease_token = NULL,
       last_error = 'the channel is switched off'
WHERE channel_id = ANY(%s) AND (state IN ('pending', 'gathered') OR (state = 'sending' AND lease_until < now()))
"""


@dataclass(frozen=True)
class Destination:
    """A channel's settings, as a sender needs them."""

    id: int
    kind: str
    config: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    gather: bool
    refused: bool


class ClaimRow(NamedTuple):
    """A due delivery, in the column order of the query."""

    channel: int
    id: int
    event: str
    attempts: int
    unfinished: int
    tells: int
    thread: int | None
    age: timedelta
    first: int | None
    first_gathered: bool | None
    first_leader: int | None
    reference: str | None
    config: Any
    tags: Any
    parents: Sequence[int]
    shared: str


def lock_channels(full: Collection[int]) -> tuple[dict[int, Destination], float]:
    """Lock channels with due messages and return the time; messages of a disabled channel become dead letters."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANNELS, {"full": list(full)})
        rows = cursor.fetchall()
        off = [row[0] for row in rows if not row[5]]
        if off:
            cursor.execute(_SWITCHED_OFF, [off])
    return {row[0]: _destination(row) for row in rows if row[5]}, float(rows[0][8]) if rows else 0.0


#: Decrypted secrets of each version of a channel; keys are (id, updated_at).
_opened: dict[tuple[int, datetime], Mapping[str, str]] = {}


def _destination(row: Sequence[Any]) -> Destination:
    key, kind, config, sealed, gather, _, refused, updated_at, _ = row
    if (key, updated_at) not in _opened:
        if len(_opened) > 10_000:
            _opened.clear()
        _opened[(key, updated_at)] = Secrets(token=sealed or "")
    return Destination(key, kind, group_rows.decoded(config), _opened[(key, updated_at)], gather, refused)


def due_rows(limits: Mapping[int, int], alone: bool = False) -> dict[int, list[ClaimRow]]:
    """Due rows of each channel, in order; `alone`: those that are sent alone, else the others."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"channels": list(limits), "limits": list(limits.values())}
        cursor.execute(_DUE, values | {"alone": alone, "alone_after": ALONE_AFTER})
        found: dict[int, list[ClaimRow]] = {}
        for row in cursor.fetchall():
            found.setdefault(row[0], []).append(ClaimRow(*row))
    return found


def lone_row(channels: Iterable[int]) -> dict[int, list[ClaimRow]]:
    """Of the rows that are sent alone the one that was written first."""
    rows = [row for mine in due_rows(dict.fromkeys(channels, 1), alone=True).values() for row in mine]
    first = min(rows, key=lambda row: row.id, default=None)
    return {first.channel: [first]} if first is not None else {}


def has_alone(full: Collection[int] = ()) -> bool:
    """Whether a message is due that is sent alone, and that nobody sends now; none of channels without a free slot."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS_ALONE, [list(full)])
        return cursor.fetchone() is not None


def busy_threads(rows: Mapping[int, list[ClaimRow]]) -> frozenset[int]:
    threads = {row.first_leader for mine in rows.values() for row in mine if row.first_gathered and row.thread is None}
    if not threads:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(_BUSY_THREADS, [list(threads)])
        return frozenset(row[0] for row in cursor.fetchall())

"""Group state rows: read and written within the claim's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection

from vigil.alerts.core.group_state import GroupState

_LOAD = """
SELECT key, extract(epoch FROM since), extract(epoch FROM last), told, extract(epoch FROM next), pages
FROM alerts_gathering WHERE channel_id = %s AND key = ANY(%s)
"""

_SAVE = """
INSERT INTO alerts_gathering (channel_id, key, since, last, told, next, pages)
SELECT %(channel)s, u.key, to_timestamp(u.since), to_timestamp(u.last), u.told, to_timestamp(u.next), u.pages
FROM unnest(%(keys)s::text[], %(since)s::float8[], %(last)s::float8[], %(told)s::int[], %(next)s::float8[],
            %(pages)s::float8[]) AS u(key, since, last, told, next, pages)
ON CONFLICT (channel_id, key) DO UPDATE
SET since = excluded.since, last = excluded.last, told = excluded.told, next = excluded.next,
    pages = excluded.pages
"""


def load(channel: int, keys: Collection[str]) -> dict[str, GroupState]:
    """Stored states of these groups of a channel."""
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, [channel, list(keys)])
        return {
            key: GroupState(float(since), float(last), told, float(next_s), pages)
            for key, since, last, told, next_s, pages in cursor.fetchall()
        }


def save(channel: int, states: Mapping[str, GroupState]) -> None:
    """Store the changed states."""
    if not states:
        return
    values: dict[str, Any] = {
        "channel": channel,
        "keys": list(states),
        "since": [one.since_s for one in states.values()],
        "last": [one.last_s for one in states.values()],
        "told": [one.told for one in states.values()],
        "next": [one.next_s for one in states.values()],
        "pages": [one.pages for one in states.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, values)


def forget() -> int:
    """Delete old states."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM alerts_gathering WHERE last < now() - interval '1 hour'")
        return int(cursor.rowcount)


def decoded(value: Any) -> Any:
    """Decode a JSON column, which Django's cursors return as text."""
    return json.loads(value) if isinstance(value, str) else value

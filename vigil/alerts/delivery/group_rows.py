"""What the groups of a channel have said lately, as rows: read and written within the claim."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection

from vigil.alerts.core.grouping import GroupState

_LOAD = """
SELECT key, extract(epoch FROM since), extract(epoch FROM last), told, extract(epoch FROM next)
FROM alerts_gathering WHERE channel_id = %s AND key = ANY(%s)
"""

_SAVE = """
INSERT INTO alerts_gathering (channel_id, key, since, last, told, next)
SELECT %(channel)s, u.key, to_timestamp(u.since), to_timestamp(u.last), u.told, to_timestamp(u.next)
FROM unnest(%(keys)s::text[], %(since)s::float8[], %(last)s::float8[], %(told)s::int[], %(next)s::float8[])
    AS u(key, since, last, told, next)
ON CONFLICT (channel_id, key) DO UPDATE
SET since = excluded.since, last = excluded.last, told = excluded.told, next = excluded.next
"""


def load(channel: int, keys: Collection[str]) -> dict[str, GroupState]:
    """The heat of these groups of a channel, as far as they have any."""
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, [channel, list(keys)])
        return {
            key: GroupState(float(since), float(last), told, float(next_s))
            for key, since, last, told, next_s in cursor.fetchall()
        }


def save(channel: int, heat: Mapping[str, GroupState]) -> None:
    """Keep what changed."""
    if not heat:
        return
    values: dict[str, Any] = {
        "channel": channel,
        "keys": list(heat),
        "since": [one.since_s for one in heat.values()],
        "last": [one.last_s for one in heat.values()],
        "told": [one.told for one in heat.values()],
        "next": [one.next_s for one in heat.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, values)


def forget() -> int:
    """Drop what was long ago."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM alerts_gathering WHERE last < now() - interval '1 hour'")
        return int(cursor.rowcount)


def decoded(value: Any) -> Any:
    """A JSON column as it comes from a cursor of Django's, which hands it out as text."""
    return json.loads(value) if isinstance(value, str) else value

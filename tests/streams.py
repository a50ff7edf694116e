"""Redis streams as tests read them: every entry, as an id and its fields."""

from __future__ import annotations

from typing import Any, cast

import redis
import redis.asyncio

Entries = list[tuple[bytes, dict[bytes, bytes]]]


def entries(client: redis.Redis, key: str) -> Entries:
    """All entries of a stream, the oldest first."""
    return cast(Entries, client.xrange(key))


async def entries_async(client: redis.asyncio.Redis, key: str) -> Entries:
    """The same over an asyncio client."""
    return cast(Entries, await client.xrange(key))


def add(client: redis.Redis, key: str, fields: dict[bytes, bytes], entry_id: str = "*") -> str:
    """Write one entry; returns its id."""
    return cast(bytes, client.xadd(key, cast(Any, fields), id=entry_id)).decode()

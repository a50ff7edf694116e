"""Repair of a region's own Redis keys by its worker: one of the wrong type, or a full stream, must not end it.

It uses only commands that the region's Redis user may send.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio
import redis.exceptions
import structlog

from probes import keys
from probes.process.redis_client import is_away

_log = structlog.get_logger(__name__)

#: A command that refuses a key of another type.
_READS: dict[str, Callable[[redis.asyncio.Redis, str], Awaitable[Any]]] = {
    "stream": lambda client, key: client.xinfo_stream(key),
    "hash": lambda client, key: client.hmget(key, [""]),
    "string": lambda client, key: client.get(key),
    "list": lambda client, key: client.llen(key),
    "set": lambda client, key: client.smembers(key),
}


#: What Redis says of a stream whose last id is the largest: nothing can be added to it any more.
_FULL_STREAM = ("last possible ID", "equal or smaller than the target stream top item")


async def may_retry(client: redis.asyncio.Redis, region: str, error: Exception) -> bool:
    """Whether what failed may be tried again: Redis is away, or keys that no process can use are deleted now."""
    if is_away(error):
        return True
    is_full = is_full_stream(error)
    if "WRONGTYPE" not in str(error) and not is_full:
        return False
    try:
        for key, kind in keys.owned(region).items():
            if (is_full and key == keys.results(region)) or await _is_wrong(client, key, kind):
                _log.error("redis.key_overwritten", key=key, advice="another program with its password wrote it")
                await client.delete(key)
    except (redis.exceptions.RedisError, OSError) as problem:
        return is_away(problem)
    return True


def is_full_stream(error: Exception) -> bool:
    """Whether nothing can be added to a stream any more."""
    return any(words in str(error) for words in _FULL_STREAM)


async def _is_wrong(client: redis.asyncio.Redis, key: str, kind: str) -> bool:
    try:
        await _READS[kind](client, key)
    except redis.exceptions.ResponseError as error:
        if "WRONGTYPE" in str(error):
            return True
        if "no such key" not in str(error):
            raise
    return False

"""Reading Redis streams and Redis' clock, with types that redis-py does not give."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

import redis

#: A stream's entries in their order: the id of each, and its fields.
Entries = list[tuple[bytes, dict[bytes, bytes]]]


def read_streams(
    client: redis.Redis, positions: Mapping[bytes, bytes], count: int, block_ms: int
) -> list[tuple[bytes, Entries]]:
    """The next entries of each stream after its position, at most `count` a stream; waits up to `block_ms` for one.

    Streams without a new entry are left out. Raises `redis.RedisError` when Redis is away.
    """
    answer = client.xread(cast(Any, positions), count=count, block=block_ms)
    return cast(list[tuple[bytes, Entries]], answer or [])


def redis_now_ms(client: redis.Redis) -> int:
    """The time on Redis' clock in ms; raises `redis.RedisError` when Redis is away."""
    seconds, micros = client.time()
    return seconds * 1000 + micros // 1000


class RedisClock:
    """Redis' clock between two measurements: this machine's clock, corrected by the last measured offset."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._offset_ms = 0

    def measure(self) -> None:
        """Ask Redis for the time. Raises `redis.RedisError` when Redis is away."""
        self._offset_ms = redis_now_ms(self._redis) - _wall_ms()

    def now_ms(self) -> int:
        return _wall_ms() + self._offset_ms


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000

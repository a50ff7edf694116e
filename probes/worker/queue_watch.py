"""Watchdog of the region's Celery queue: batches that wait while none is taken mean a consumer that hangs."""

from __future__ import annotations

import time

import redis.asyncio

from probes import keys
from probes.wire import Lane

#: Batches wait in the queue and none was taken for this long: Celery's consumer hangs, and only a restart helps.
STUCK_AFTER_S = 60.0


class ConsumerStuck(RuntimeError):
    """Batches wait in the region's queue, Redis answers, and nothing is taken."""


class QueueWatch:
    """Knows when the queue last moved: a batch was taken, it was empty, or Redis was away."""

    def __init__(self, connection: redis.asyncio.Redis, region: str) -> None:
        self._redis = connection
        prefix = keys.celery_prefix(region)
        self._queues = [prefix + keys.queue(region, lane) for lane in Lane]
        self._moved_s = time.monotonic()

    def moved(self) -> None:
        """A batch was taken, or Redis is away."""
        self._moved_s = time.monotonic()

    async def look(self) -> None:
        """Look at the queue. Raises ConsumerStuck when it stands still, and `redis.RedisError`."""
        waiting = 0
        for queue in self._queues:
            waiting += await self._redis.llen(queue)
        if not waiting:
            self.moved()
        elif time.monotonic() - self._moved_s > STUCK_AFTER_S:
            raise ConsumerStuck(f"{waiting} batches wait and none was taken for {STUCK_AFTER_S:.0f} s")

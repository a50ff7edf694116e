"""Results on their way to the region's stream: batched, bounded, and kept while Redis is away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

import redis.asyncio
import redis.exceptions
import structlog
from redis.typing import EncodableT, FieldT

from probes import keys, wire
from probes.reasons import Reason
from probes.wire import Result

_log = structlog.get_logger(__name__)

_FLUSH_AFTER_S = 0.02
_BATCH_MOST = 200
#: Results kept while Redis is away; beyond that the oldest go, as consensus would find them stale anyway.
_KEPT_MOST = 100_000
#: A safety net against a reader that is gone; readers trim by their position.
_STREAM_LENGTH = 50_000
_RETRY_FIRST_S = 0.1
_RETRY_MOST_S = 2.0


class Publisher:
    """Takes results on the loop's thread, and writes them with one round trip a batch."""

    def __init__(self, connection: redis.asyncio.Redis, region: str) -> None:
        self._redis = connection
        self._stream = keys.results(region)
        self._latest = keys.latest(region)
        self._waiting: deque[Result] = deque(maxlen=_KEPT_MOST)
        self._wake = asyncio.Event()
        self._written = asyncio.Event()
        self.dropped = 0

    def publish(self, result: Result) -> None:
        """Put a result on its way; never waits, and drops the oldest when too many wait."""
        if len(self._waiting) == _KEPT_MOST:
            self.dropped += 1
        self._waiting.append(result)
        if not self._wake.is_set():
            self._wake.set()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def run(self) -> None:
        """Write what comes, for ever; an unreachable Redis is retried, any other error ends the process."""
        pause_s = _RETRY_FIRST_S
        while True:
            await self._wake.wait()
            if len(self._waiting) < _BATCH_MOST:
                await asyncio.sleep(_FLUSH_AFTER_S)
            try:
                await self._write_some()
                pause_s = _RETRY_FIRST_S
            except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as error:
                _log.warning("publisher.redis_away", waiting=len(self._waiting), error=type(error).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _RETRY_MOST_S)
            except redis.exceptions.BusyLoadingError:
                await asyncio.sleep(pause_s)

    async def flush(self, within_s: float) -> None:
        """Wait until all is written, or for `within_s` seconds."""
        deadline = asyncio.get_running_loop().time() + within_s
        while self._waiting and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_FLUSH_AFTER_S)

    async def _write_some(self) -> None:
        batch = [self._waiting[i] for i in range(min(len(self._waiting), _BATCH_MOST))]
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xadd(self._stream, {keys.BODY: wire.encode(batch)}, maxlen=_STREAM_LENGTH, approximate=True)
        latest = _latest_of(batch)
        if latest:
            pipeline.hset(self._latest, mapping=latest)
        dropped_before = self.dropped
        await pipeline.execute()
        # What was dropped meanwhile was the oldest, hence a part of this batch.
        for _ in range(len(batch) - min(len(batch), self.dropped - dropped_before)):
            self._waiting.popleft()
        if not self._waiting:
            self._wake.clear()


def _latest_of(batch: Iterable[Result]) -> dict[FieldT, EncodableT]:
    """The newest result of each monitor, encoded; `overdue` is a warning, not a result to show."""
    newest = {result.monitor: result for result in batch if result.reason is not Reason.OVERDUE}
    return {monitor: wire.encode(result) for monitor, result in newest.items()}

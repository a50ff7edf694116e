"""Publisher of results to the region's stream: batched, bounded, with one round trip for each batch."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import redis.asyncio
import redis.exceptions
import structlog
from redis.typing import EncodableT, FieldT

from probes import keys, wire
from probes.process.own_keys import may_retry
from probes.process.redis_client import described
from probes.reasons import Reason, Status
from probes.results.forwarder import STREAM_LENGTH, Forwarder
from probes.wire import Result

_log = structlog.get_logger(__name__)

#: What may change a decision is written at once, with what came meanwhile; passes of the schedule wait for others,
#: since an entry is signed and proven as a whole (s).
_FLUSH_AFTER_S = 0.02
_LINGER_S = 0.2
_BATCH_MOST = 500
#: Results that wait here for a Redis that is slow; beyond that the oldest go to the forwarder.
_WAITING_MOST = 20_000
_RETRY_FIRST_S = 0.1
_RETRY_MOST_S = 2.0
#: Redis is away for longer than a restart takes (failures in a row): what waits goes to the forwarder.
_AWAY_AFTER = 3
#: It turns this often where no result comes, to show that it can (s).
_IDLE_S = 10.0


class Publisher:
    """Takes results on the loop's thread, and gives the forwarder what is written or cannot be. Waits for no disk."""

    def __init__(self, connection: redis.asyncio.Redis, region: str, forwarder: Forwarder) -> None:
        self._redis = connection
        self._region = region
        self._stream = keys.results(region)
        self._latest = keys.latest(region)
        self._forwarder = forwarder
        self._waiting: deque[Result] = deque()
        self._in_hand: list[Result] = []
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self.failures = 0
        #: Called at every turn.
        self.turned: Callable[[], object] = lambda: None
        #: Called with every batch that is written.
        self.written: Callable[[Sequence[Result]], object] = lambda batch: None

    def publish(self, result: Result) -> None:
        """Put a result on its way; never waits."""
        self._waiting.append(result)
        if len(self._waiting) > _WAITING_MOST:
            self._forwarder.keep(self._take(_WAITING_MOST // 2))
        if not self._wake.is_set():
            self._wake.set()
        if result.round or result.status is not Status.UP or len(self._waiting) >= _BATCH_MOST:
            self._urgent.set()

    @property
    def waiting(self) -> int:
        """Results that Redis does not have yet."""
        return len(self._waiting) + len(self._in_hand) + self._forwarder.kept

    @property
    def is_idle(self) -> bool:
        """Whether all that was seen since Redis was last away is written."""
        return not self._waiting and not self._in_hand

    async def run(self) -> None:
        """Write results until cancelled. Retries while Redis is away; raises any other error."""
        pause_s = _RETRY_FIRST_S
        while True:
            self.turned()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_S):
                    await self._wake.wait()
            await self._linger()
            try:
                await self._write_some()
                pause_s, self.failures = _RETRY_FIRST_S, 0
            except (redis.exceptions.RedisError, OSError) as error:
                if not await may_retry(self._redis, self._region, error):
                    raise
                self.failures += 1
                self._forwarder.redis_was_away()
                if self.failures >= _AWAY_AFTER:
                    self._forwarder.keep(self._take(len(self._waiting)))
                _log.warning("redis.away", waiting=self.waiting, error=described(error))
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _RETRY_MOST_S)

    async def flush(self, within_s: float) -> None:
        """Wait until all is written, or for `within_s` seconds."""
        deadline = asyncio.get_running_loop().time() + within_s
        self._urgent.set()
        while not self.is_idle and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_FLUSH_AFTER_S)

    def hand_over(self) -> None:
        """Give all that is not written to the forwarder; `run` is over, or is about to be."""
        self._forwarder.keep(self._in_hand + self._take(len(self._waiting)))
        self._in_hand = []

    async def _linger(self) -> None:
        """Wait for more results, where that delays nothing."""
        if self._waiting and not self._urgent.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LINGER_S):
                    await self._urgent.wait()
        if len(self._waiting) < _BATCH_MOST:
            await asyncio.sleep(_FLUSH_AFTER_S)

    def _take(self, most: int) -> list[Result]:
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    async def _write_some(self) -> None:
        self._in_hand = batch = self._take(_BATCH_MOST)
        if not self._waiting:
            self._wake.clear()
            self._urgent.clear()
        if not batch:
            return
        try:
            await self._write(batch)
            self._in_hand = []
        except (redis.exceptions.RedisError, OSError):
            self._waiting.extendleft(reversed(batch))
            self._in_hand = []
            self._wake.set()
            raise

    async def _write(self, batch: list[Result]) -> None:
        payload = wire.encode(batch)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xadd(self._stream, self._forwarder.entry(payload), maxlen=STREAM_LENGTH, approximate=True)
        latest = _latest_of(batch)
        if latest:
            pipeline.hset(self._latest, mapping=latest)
        added, *_ = await pipeline.execute()
        self._forwarder.sent(added, payload, len(batch))
        self.written(batch)


def _latest_of(batch: Iterable[Result]) -> dict[FieldT, EncodableT]:
    """The newest result of each monitor, encoded; `overdue` is a warning, and a trial is of no monitor."""
    newest = {
        result.monitor: result
        for result in batch
        if result.reason is not Reason.OVERDUE and not wire.is_trial(result.round)
    }
    return {monitor: wire.encode(result) for monitor, result in newest.items()}

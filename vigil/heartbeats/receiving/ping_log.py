"""Ping log (write-ahead): a Redis stream, or a PostgreSQL spool while Redis is unavailable.

A ping is acknowledged once Redis has appended it to its file (deploy/README.md: durability). While Redis is unavailable
or full, it is committed to PostgreSQL instead.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import redis
import redis.asyncio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from probes import keys
from probes.process.connections.clients import open_async_client
from probes.transport_faults import is_transport_fault
from vigil.away import refusal
from vigil.heartbeats.core.pings.reply import PingOutcome
from vigil.heartbeats.core.pings.wire import PING_VERSION, LogEntry, Ping, encode

log = structlog.get_logger()

#: Write timeouts (s); their sum stays below `receiver_gaps.SETTLED`.
REDIS_S = 1.0
POSTGRES_S = 2.0
#: Circuit breaker: Redis is not tried for this long after a failure (s).
AWAY_S = 2.0
#: Largest batch, and largest queue.
BATCH_PINGS, BATCH_BYTES = 1_000, 1_000_000
WAITING_PINGS, WAITING_BYTES = 50_000, 64_000_000
SPOOL = "INSERT INTO heartbeats_spooledentry (entry) VALUES (%s)"

#: Called once a ping is written (True) or refused (False).
Done = Callable[[bool], object]


class PingLog:
    """Batches pings in order. A single writer keeps the order on disk."""

    def __init__(self, redis_url: str, database_url: str, receiver: str) -> None:
        self._redis = open_async_client(
            redis_url, socket_timeout=REDIS_S, socket_connect_timeout=REDIS_S, retry=Retry(NoBackoff(), 0)
        )
        self._database_url = database_url
        self._receiver = receiver
        self._postgres: psycopg.AsyncConnection[Any] | None = None
        self._redis_away_until_s = 0.0
        self.waiting: list[tuple[Ping, Done]] = []
        self._waiting_bytes = 0
        self._beat_us = 0
        self._wake = asyncio.Event()
        self._stopping = False
        self.redis_answers = self.writes = True
        #: Pings that were written, and that were not.
        self.answers: Counter[PingOutcome] = Counter()
        #: In words, why the last write there failed; empty while it does not.
        self.redis_away = self.postgresql_away = ""
        #: Called at every turn of the writer.
        self.turned: Callable[[], object] = lambda: None

    def add(self, ping: Ping, done: Done) -> None:
        """Queue a ping and call `done` with the outcome; refuses when the queue is full (load shedding)."""
        if len(self.waiting) >= WAITING_PINGS or self._waiting_bytes > WAITING_BYTES:
            done(False)
            return
        self.waiting.append((ping, done))
        self._waiting_bytes += len(ping.body)
        self._wake.set()

    def beat(self, at_us: int) -> None:
        """Queue a beat of this receiver behind all earlier pings."""
        self._beat_us = at_us
        self._wake.set()

    async def run(self) -> None:
        """Write until `stop`; drains the queue first."""
        while not self._stopping:
            await self._wake.wait()
            self.turned()
            await self._write_waiting()
        await self._redis.aclose()
        if self._postgres is not None:
            await self._postgres.close()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def _write_waiting(self) -> None:
        """Write the queue. A beat goes with the last batch, and is dropped if that fails."""
        self._wake.clear()
        while self.waiting or self._beat_us:
            batch = self._take()
            beat_us = 0
            if not self.waiting:
                beat_us, self._beat_us = self._beat_us, 0
            await self._write_batch(batch, beat_us)

    async def _write_batch(self, batch: list[tuple[Ping, Done]], beat_us: int) -> None:
        try:
            payload = encode(LogEntry(PING_VERSION, self._receiver, [ping for ping, _ in batch], beat_us))
        except Exception as error:  # of one ping, which is found below
            if len(batch) > 1:
                half = len(batch) // 2
                await self._write_batch(batch[:half], 0)
                await self._write_batch(batch[half:], beat_us)
                return
            log.error("ping.not_encoded", error=type(error).__name__, exc_info=error)
            for _, done in batch:
                _tell(done, False)
            return
        written = await self._write(payload)
        self.answers[PingOutcome.ACCEPTED if written else PingOutcome.TRY_AGAIN] += len(batch)
        for _, done in batch:
            _tell(done, written)

    def _take(self) -> list[tuple[Ping, Done]]:
        size = count = 0
        for ping, _ in self.waiting[:BATCH_PINGS]:
            if count and size + len(ping.body) > BATCH_BYTES:
                break
            size += len(ping.body)
            count += 1
        batch, self.waiting = self.waiting[:count], self.waiting[count:]
        self._waiting_bytes -= size
        return batch

    async def _write(self, payload: bytes) -> bool:
        redis_answers = await self._to_redis(payload)
        if redis_answers is not self.redis_answers:
            log.warning("ping_log.moved", place="redis" if redis_answers else "postgresql")
        self.redis_answers = redis_answers
        self.writes = redis_answers or await self._to_postgres(payload)
        return self.writes

    async def _to_redis(self, payload: bytes) -> bool:
        if time.monotonic() < self._redis_away_until_s:
            return False
        try:
            await self._redis.execute_command("XADD", keys.PINGS, "*", keys.BODY, payload)
        except redis.RedisError as error:
            # Also when Redis is full or read-only: the entry is not stored.
            self.redis_away = refusal(error) or f"Redis took no ping ({type(error).__name__})"
            log.warning("ping.not_in_redis", why=self.redis_away, error=type(error).__name__)
            self._redis_away_until_s = time.monotonic() + AWAY_S
            return False
        self.redis_away = ""
        return True

    async def _to_postgres(self, payload: bytes) -> bool:
        try:
            async with asyncio.timeout(POSTGRES_S):
                if self._postgres is None or self._postgres.closed:
                    self._postgres = await psycopg.AsyncConnection.connect(self._database_url, autocommit=True)
                await self._postgres.execute(SPOOL, [payload])
        except Exception as error:
            if not isinstance(error, psycopg.Error | OSError) and not is_transport_fault(error):
                raise
            self.postgresql_away = refusal(error) or "PostgreSQL cannot be reached"
            log.warning("ping.not_in_postgresql", why=self.postgresql_away, error=type(error).__name__)
            if self._postgres is not None:
                await self._postgres.close()
                self._postgres = None
            return False
        self.postgresql_away = ""
        return True


def _tell(done: Done, written: bool) -> None:
    """Call back with the outcome. An error of one callback must not stop the writer."""
    try:
        done(written)
    except Exception as error:
        log.exception("ping.answer_failed", error=type(error).__name__)

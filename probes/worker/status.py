"""The region's sign of life: every 10 s into Redis, with the clock's offset and what the worker holds."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

import redis.asyncio
import redis.exceptions
import structlog

from probes import keys, wire
from probes.checks.clock import ClockOffset
from probes.checks.runner import Runner
from probes.net.guard import Egress
from probes.process.health import Health
from probes.process.redis_client import is_away, is_refused
from probes.results.forwarder import Forwarder
from probes.results.publisher import Publisher
from probes.wire import WIRE_VERSION, Lane, RegionStatus
from probes.worker.anchors import Anchors
from probes.worker.autonomy import Autonomy

_log = structlog.get_logger(__name__)

INTERVAL_S = 10.0
_RETRY_S = 1.0
#: Orders lie in the queue and none was taken for this long: Celery's consumer hangs, and only a restart helps.
STUCK_AFTER_S = 60.0


class ConsumerStuck(RuntimeError):
    """Batches wait in the region's queue, Redis answers, and nothing is taken."""


@dataclass(frozen=True)
class Identity:
    """What a heartbeat says of the region itself."""

    region: str
    egress: Egress
    release: str
    public_key: bytes
    anchorage: Anchors


@dataclass(frozen=True)
class Parts:
    """What the heartbeat speaks of, and tells what it hears."""

    runner: Runner
    publisher: Publisher
    keeper: Forwarder
    autonomy: Autonomy


class StatusReporter:
    """Beats for ever; `batch_taken` tells it that the queue moves."""

    def __init__(self, connection: redis.asyncio.Redis, identity: Identity, parts: Parts, health: Health) -> None:
        self._redis = connection
        self._identity = identity
        self._runner = parts.runner
        self._publisher = parts.publisher
        self._keeper = parts.keeper
        self._autonomy = parts.autonomy
        self._health = health
        self._clock = ClockOffset()
        self._clock_set_s = 0.0
        self._boot = uuid4().hex
        self._moved_s = time.monotonic()

    def batch_taken(self) -> None:
        self._moved_s = time.monotonic()

    async def measure_clock(self, samples: int = 1) -> None:
        """Ask Redis for the time and give the runner the offset."""
        for _ in range(samples):
            self._runner.mind_the_clock()
            set_before_s, asked_s = self._runner.clock_set_s, time.time()
            seconds, micros = await self._redis.time()
            answered_s = time.time()
            self._runner.mind_the_clock()
            self._clock.shift(self._runner.clock_set_s - self._clock_set_s)
            self._clock_set_s = self._runner.clock_set_s
            if self._clock_set_s == set_before_s and answered_s >= asked_s:
                self._clock.add(asked_s, seconds + micros / 1e6, answered_s)
        self._runner.offset_ms = self._clock.ms

    async def run(self) -> None:
        """Beat every 10 s, sooner after a failure and at once when cut off; raises ConsumerStuck."""
        while True:
            try:
                await self._beat()
                pause_s = INTERVAL_S
            except (redis.exceptions.RedisError, OSError) as error:
                if not is_away(error):
                    raise
                pause_s = self._note_failure(error)
            await self._pause(pause_s)

    def _note_failure(self, error: Exception) -> float:
        """Redis is away, or lets us in no more; returns when to try again (s)."""
        self._moved_s = time.monotonic()
        self._keeper.redis_was_away()
        if self._autonomy.alone:
            # It does what it can: whoever restarts what is unhealthy would only stop it.
            self._say_how_it_is()
        if is_refused(error):
            _log.error("heartbeat.refused", error=str(error)[:200], advice="check VIGIL_REDIS_URL and Redis' ACL")
            self._autonomy.refused()
            return INTERVAL_S
        _log.warning("heartbeat.redis_away", error=f"{type(error).__name__}: {error}"[:200])
        return _RETRY_S

    async def _pause(self, seconds: float) -> None:
        changed = self._identity.anchorage.changed
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), seconds)
        changed.clear()

    async def _beat(self) -> None:
        await self.measure_clock()
        beat = RegionStatus(
            v=WIRE_VERSION,
            at_ms=self._runner.now_ms(),
            clock_offset_ms=round(self._clock.ms),
            queue_age_ms=self._runner.oldest_age_ms(),
            in_flight=self._runner.in_flight,
            completed_ms=self._runner.completed_ms,
            boot=self._boot,
            release=self._identity.release,
            public_key=self._identity.public_key,
            egress=self._identity.egress,
            anchors=len(self._identity.anchorage),
            anchors_failing=self._identity.anchorage.failing,
            alone=self._autonomy.alone,
            kept=self._keeper.kept,
        )
        await self._redis.set(keys.heartbeat(self._identity.region), wire.encode(beat), ex=keys.HEARTBEAT_TTL_S)
        await self._listen()
        await self._watch_queue()
        self._say_how_it_is()

    async def _listen(self) -> None:
        try:
            heard = await self._redis.hmget(keys.alive(self._identity.region), ["dispatch", keys.DISMISSED])
        except redis.exceptions.NoPermissionError as error:
            # An older list of rights: orders say as much as long as they come.
            _log.warning("heartbeat.may_not_listen", error=str(error)[:200], advice="see deploy/redis.acl.example")
            return
        mark, dismissed = cast(list[bytes | None], heard)
        self._autonomy.listen(mark, dismissed is not None)

    def _say_how_it_is(self) -> None:
        self._health.beat(
            region=self._identity.region,
            in_flight=self._runner.in_flight,
            unpublished=self._publisher.waiting,
            dropped=self._keeper.dropped,
            alone=self._autonomy.alone,
            clock_offset_ms=round(self._clock.ms),
        )

    async def _watch_queue(self) -> None:
        waiting = 0
        prefix = keys.celery_prefix(self._identity.region)
        for lane in Lane:
            waiting += await self._redis.llen(prefix + keys.queue(self._identity.region, lane))
        if not waiting:
            self._moved_s = time.monotonic()
        elif time.monotonic() - self._moved_s > STUCK_AFTER_S:
            raise ConsumerStuck(f"{waiting} batches wait and none was taken for {STUCK_AFTER_S:.0f} s")

"""Region status: written to Redis every 10 s, with the clock's offset, the load, and what the worker still holds."""

from __future__ import annotations

import asyncio
import contextlib
from typing import cast
from uuid import uuid4

import redis.asyncio
import redis.exceptions
import structlog

from probes import keys, wire
from probes.process.health import Health
from probes.process.own_keys import may_retry
from probes.process.redis_client import described, is_refused
from probes.signing.region_keyring import STATUS_LIFE_S
from probes.wire import WIRE_VERSION, RegionStatus
from probes.worker.metrics import set_gauges
from probes.worker.parts import Parts

_log = structlog.get_logger(__name__)

INTERVAL_S = 10.0
_RETRY_S = 1.0
#: The part of the control plane that orders.
_DISPATCH = "dispatch"


class StatusReporter:
    """Reports to Redis and to the process's own health endpoint until cancelled."""

    def __init__(self, parts: Parts, health: Health) -> None:
        self._parts = parts
        self._redis = parts.connection
        self._identity = parts.identity
        self._health = health
        self._boot = uuid4().hex
        self._has_reported = False

    async def run(self) -> None:
        """Report every 10 s, sooner after a failure and at once when the region is cut off; raises ConsumerStuck."""
        while True:
            self._health.turned("status")
            try:
                await self._report()
                pause_s = INTERVAL_S
            except (redis.exceptions.RedisError, OSError) as error:
                if not await may_retry(self._redis, self._identity.region, error):
                    raise
                pause_s = self._note_failure(error)
            await self._pause(pause_s)

    def _note_failure(self, error: Exception) -> float:
        """Redis is away, or refuses this region; returns when to try again (s)."""
        self._parts.queue_watch.moved()
        self._parts.forwarder.redis_was_away()
        if self._parts.autonomy.alone:
            # The worker does what it can: a supervisor that restarts unhealthy processes would only stop it.
            self._report_health()
        if is_refused(error):
            _log.error("redis.refused", error=described(error), advice="check VIGIL_REDIS_URL and Redis' ACL")
            self._parts.autonomy.refused()
            return INTERVAL_S
        _log.warning("redis.away", error=described(error))
        return _RETRY_S

    async def _pause(self, seconds: float) -> None:
        changed = self._parts.anchors.changed
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), seconds)
        changed.clear()

    async def _report(self) -> None:
        await self._parts.clock.measure()
        name, status = keys.status(self._identity.region), wire.encode(self._status())
        signed = self._parts.signer.sign(name, status, STATUS_LIFE_S) + status
        before = cast(bytes | None, await self._redis.set(name, signed, ex=keys.STATUS_TTL_S, get=True))
        self._parts.autonomy.reported(beside=self._is_of_another(before))
        await self._listen()
        await self._parts.news.turn(self._parts.runner.now_ms())
        await self._parts.model_lists.turn()
        await self._parts.queue_watch.look()
        self._report_health()

    def _is_of_another(self, before: bytes | None) -> bool:
        """Whether another worker of the region wrote this since our last report; a first report cannot tell."""
        has_reported, self._has_reported = self._has_reported, True
        return has_reported and before is not None and self._boot.encode() not in before

    def _status(self) -> RegionStatus:
        runner, anchors = self._parts.runner, self._parts.anchors
        return RegionStatus(
            v=WIRE_VERSION,
            at_ms=runner.now_ms(),
            clock_offset_ms=round(self._parts.clock.offset_ms),
            queue_age_ms=runner.oldest_age_ms(),
            in_flight=runner.in_flight,
            completed_ms=runner.completed_ms,
            boot=self._boot,
            release=self._identity.release,
            public_key=self._identity.public_key,
            egress=self._identity.egress.value,
            anchors=len(anchors),
            anchors_failing=anchors.failing,
            alone=self._parts.autonomy.alone,
            kept=self._parts.forwarder.kept,
            refused=dict(self._parts.orders.refused),
        )

    async def _listen(self) -> None:
        """Pass on to autonomy whether dispatch is alive, and whether this region is dismissed."""
        try:
            heard = await self._redis.hmget(keys.alive(self._identity.region), [_DISPATCH, keys.DISMISSED])
        except redis.exceptions.NoPermissionError as error:
            # An older list of rights: orders say as much as long as they come.
            _log.warning("liveness.forbidden", error=described(error), advice="see deploy/redis.acl.example")
            return
        mark, dismissed = cast(list[bytes | None], heard)
        is_dismissed = self._verified(keys.DISMISSED, dismissed) is not None
        self._parts.autonomy.listen(self._verified(_DISPATCH, mark), is_dismissed)

    def _verified(self, field: str, value: bytes | None) -> bytes | None:
        """What the control plane wrote to a field of the marks for this region; None where it wrote none."""
        place = keys.heard_by(self._identity.region, field)
        return None if value is None else self._parts.orders.verified(place, value)

    def _report_health(self) -> None:
        set_gauges(self._health.counts, self._parts)
        self._health.beat(
            region=self._identity.region,
            in_flight=self._parts.runner.in_flight,
            unpublished=self._parts.publisher.waiting,
            dropped=self._parts.forwarder.dropped,
            alone=self._parts.autonomy.alone,
            clock_offset_ms=round(self._parts.clock.offset_ms),
        )

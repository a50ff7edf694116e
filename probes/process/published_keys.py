"""The regions' public keys as one process knows them: read again from Redis every second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

import redis
import structlog

from probes import keys
from probes.process.redis_client import bounded
from probes.signing.control_macs import ControlMacs
from probes.signing.region_keyring import RegionKeyring

log = structlog.get_logger(__name__)

READ_EVERY_S = 1.0
_BYTES_MOST = 16 * 1024 * 1024


class PublishedRegionKeys:
    """Keeps what it knows while Redis is away or has lost the list. `now_ms` is Redis' clock when it was last asked."""

    def __init__(
        self, client: redis.Redis, macs: ControlMacs, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._redis = bounded(client, _BYTES_MOST)
        self.macs = macs
        self._keyring = RegionKeyring(macs)
        self._monotonic_s = monotonic_s
        self._next_s = float("-inf")

    def keyring(self) -> RegionKeyring:
        """The keys as they are known; raises `redis.RedisError` when they are due to be read and Redis is away."""
        if self._monotonic_s() >= self._next_s:
            pipe = self._redis.pipeline(transaction=False)
            pipe.time()
            pipe.get(keys.REGION_KEYS)
            (seconds, micros), value = pipe.execute()
            refusal = self._keyring.learn(cast(bytes | None, value), seconds * 1000 + micros // 1000)
            if refusal is not None:
                log.error("region_keys.refused", why=refusal.value, advice="another user of Redis wrote it")
            self._next_s = self._monotonic_s() + READ_EVERY_S
        return self._keyring

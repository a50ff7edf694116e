"""Lease of a shard: one leader of each, and who stands back while the number of shards changes.

The shard map is in Redis under a MAC, published again every few seconds by ingest from PostgreSQL. Without one, as
after a loss of Redis, whoever holds the lease of its shard leads: two maps may decide beside each other.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from typing import cast

import msgspec
import redis
import structlog

from consensus.process.lease import ConsensusLease
from consensus.shards import Shard, ShardMap, ShardStanding, decode_map, encode_map, latest, shards_of, standing
from probes import keys
from probes.reasons import Refusal
from probes.signing.control_macs import ControlMacs

log = structlog.get_logger()

#: A map that was written longer ago is none: a copy of it must not keep anybody from leading.
MAP_AGE_MOST_MS = 60_000


class SharedMap:
    """The shard map as Redis has it. Every method raises `redis.RedisError` when Redis is away."""

    def __init__(self, client: redis.Redis, macs: ControlMacs, now_ms: Callable[[], int]) -> None:
        self._redis = client
        self._macs = macs
        self._now_ms = now_ms
        self._known: ShardMap | None = None

    def publish(self, present: ShardMap) -> None:
        self._redis.set(
            keys.SHARD_MAP,
            self._macs.value(keys.SHARD_MAP, encode_map(present), self._now_ms()),
            px=MAP_AGE_MOST_MS,
        )

    def read(self) -> ShardMap | None:
        """The map that counts; a remembered one where Redis has none, or an older one."""
        value = cast(bytes | None, self._redis.get(keys.SHARD_MAP))
        self._known = latest(self._known, self._admitted(value) if value else None)
        return self._known

    def _admitted(self, value: bytes) -> ShardMap | None:
        body = self._macs.body(keys.SHARD_MAP, value, self._now_ms(), MAP_AGE_MOST_MS)
        if isinstance(body, Refusal):
            log.warning("shard_map.refused", why=body.value)
            return None
        try:
            return decode_map(body)
        except msgspec.DecodeError as error:
            log.warning("shard_map.unreadable", error=str(error))
            return None


class ShardLease(ConsensusLease):
    """The lease of a part of Vigil, such as consensus, for one shard."""

    def __init__(
        self,
        client: redis.Redis,
        part: str,
        shard: Shard,
        shared: SharedMap,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        super().__init__(client, shard.named(part), holder, monotonic_s)
        self._redis = client
        self._part = part
        self._shard = shard
        self._shared = shared
        self.standing = ShardStanding.NO_MAP

    def renew(self) -> int:
        """Take or keep the lease, unless other shards have succeeded this one; returns the epoch or 0."""
        before, self.standing = self.standing, self._look()
        if self.standing is not before:
            log.info("shard.standing", shard=self._shard.name, standing=self.standing.value)
        if self.standing.may_lead:
            return super().renew()
        if self.epoch:
            self.release()
        return 0

    def _look(self) -> ShardStanding:
        present = self._shared.read()
        if present is None or present.shards == self._shard.count:
            return standing(self._shard, present, ())
        return standing(self._shard, present, self.led(present.shards))

    def led(self, count: int) -> set[str]:
        """The names of the shards of a map that are led now."""
        pipe = self._redis.pipeline(transaction=False)
        for one in shards_of(count):
            # Not EXISTS: the user of consensus has no right to it.
            pipe.get(keys.lease(one.named(self._part)))
        return {one.name for one, held in zip(shards_of(count), pipe.execute(), strict=True) if held}

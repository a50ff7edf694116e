"""Liveness marks of a part that has shards: each writes its own, and the first the part's while all live."""

from __future__ import annotations

from collections.abc import Collection

import redis

from consensus.shards import Shard, shards_of
from probes.process.duties import Duties
from probes.process.liveness import EVERY_S, Liveness, silent_parts
from probes.signing.control_macs import ControlMacs
from probes.signing.signatures import Signer


class ShardMarks:
    """The mark of one shard; `beat` is for every turn of its main loop. Of the whole it is the part's own mark."""

    def __init__(
        self, client: redis.Redis, part: str, shard: Shard, macs: ControlMacs, signer: Signer | None = None
    ) -> None:
        self._redis = client
        self._part = part
        self._shard = shard
        self._macs = macs
        self._whole = Liveness(client, part, macs, signer)
        self._own = Liveness(client, shard.named(part), macs)
        self._duties = Duties()
        self._all_live = False

    def beat(self, regions: Collection[str] = ()) -> None:
        """Write it, and as the first of shards that all live that of the part. Raises `redis.RedisError`."""
        if self._shard.is_whole:
            self._whole.beat(regions)
            return
        self._own.beat()
        if self._shard.is_first:
            if self._duties.is_due("others", EVERY_S):
                self._all_live = not self.silent(self._shard.count)
            if self._all_live:
                self._whole.beat(regions)

    def silent(self, count: int) -> tuple[str, ...]:
        """The shards of a map of so many that had no mark in the last minute."""
        return silent_parts(self._redis, [one.named(self._part) for one in shards_of(count)], self._macs)

    def dismiss(self, known: Collection[str], named: Collection[str] = ()) -> None:
        """Tell regions to stop, as `Liveness.dismiss` does."""
        self._whole.dismiss(known, named)

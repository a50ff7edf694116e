"""Handover in Redis from one consensus process to the next, and to vigil: quarantined regions and baselines.

Losing it is harmless: sick regions are found again within a minute, and baselines are learned again within an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import msgspec
import redis
import structlog

from consensus.baselines import Baselines, Saved
from consensus.quarantine_list import quarantine_fields, read_quarantines
from consensus.shards import WHOLE, Shard, shards_of
from consensus.verdicts import Quarantine
from probes import keys
from probes.message_decoder import MessageDecoder
from probes.reasons import Refusal
from probes.signing.control_macs import ControlMacs

log = structlog.get_logger()

#: Every series is written again within this many seconds, a part of them each second.
ROTATION_S = 300
#: Older ones are not taken: a new normal is accepted after about a day, and whoever holds Redis may have kept them.
BASELINES_AGE_MOST_MS = 86_400_000
#: The list of sick regions is written every second; with an older one a shard judges by itself.
LISTED_AGE_MOST_MS = 5_000

_series = msgspec.msgpack.Encoder()
_decode_series: MessageDecoder[list[Saved]] = MessageDecoder(list[Saved], 1024 * 1024)


class Handover:
    """The hashes `quarantined` and `baselines`. Every method raises `redis.RedisError` when Redis is away."""

    def __init__(self, client: redis.Redis, macs: ControlMacs, now_ms: Callable[[], int], shard: Shard = WHOLE) -> None:
        self._redis = client
        self._shard = shard
        self._macs = macs
        self._now_ms = now_ms
        self._rotation: Iterator[tuple[str, int]] = iter(())
        self._written: set[str] = set()

    def quarantines(self) -> list[Quarantine]:
        """The regions in quarantine, as they were last written."""
        fields = cast(dict[bytes, bytes], self._redis.hgetall(keys.QUARANTINED))
        return read_quarantines(self._macs, fields, self._now_ms()) or []

    def listed(self) -> list[Quarantine] | None:
        """Those that the leader of the first shard has found, for the others; None while it writes none."""
        if self._shard.is_first:
            return None
        fields = cast(dict[bytes, bytes], self._redis.hgetall(keys.QUARANTINED))
        return read_quarantines(self._macs, fields, self._now_ms(), LISTED_AGE_MOST_MS)

    def write_quarantines(self, quarantines: Iterable[Quarantine]) -> None:
        """Replace the regions in quarantine atomically; the mark says that the list is complete."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.delete(keys.QUARANTINED)
        fields = quarantine_fields(self._macs, quarantines, self._now_ms())
        pipe.hset(keys.QUARANTINED, mapping=cast(Any, fields))
        pipe.execute()

    def restore(self, baselines: Baselines, now_ms: int) -> int:
        """Load the baselines that an earlier process wrote within the last day; returns the number of series."""
        for name, payload in self._redis.hscan_iter(keys.BASELINES, count=10):
            field = cast(bytes, name).decode("utf-8", "replace")
            place = f"{keys.BASELINES}/{field}"
            body = self._macs.body(place, cast(bytes, payload), self._now_ms(), BASELINES_AGE_MOST_MS)
            if isinstance(body, Refusal):
                log.warning("baselines.refused", field=field, why=body.value)
                continue
            try:
                series = [one for one in _decode_series(body) if self._shard.owns(one[0])]
                baselines.restore(field.rpartition("/")[0], series, now_ms // 1000)
            except msgspec.DecodeError as error:
                log.warning("baselines.unreadable", field=name, error=str(error))
        return len(baselines)

    def write_some(self, baselines: Baselines, every_s: float) -> None:
        """Write the next part of the baselines; called each `every_s` seconds, it writes all in a rotation."""
        chunks = baselines.chunks()
        pipe = self._redis.pipeline(transaction=False)
        for _ in range(-(-len(chunks) * int(every_s) // ROTATION_S)):
            at = next(self._rotation, None)
            if at is None:
                self._begin_rotation(chunks)
                break
            region, chunk = at
            field, body = f"{region}/{self._prefix}{chunk}", _series.encode(baselines.saved(region, chunk))
            self._written.add(field)
            pipe.hset(keys.BASELINES, field, self._macs.value(f"{keys.BASELINES}/{field}", body, self._now_ms()))
        if len(pipe):
            pipe.execute()

    @property
    def _prefix(self) -> str:
        """What stands before the number of a chunk, so that shards do not write over each other."""
        return "" if self._shard.is_whole else f"{self._shard.name}."

    def _is_of_another(self, field: str) -> bool:
        """Whether another shard of the same map writes a field; those of another map are left behind."""
        owner = field.rpartition("/")[2].rpartition(".")[0]
        return owner != self._shard.name and owner in {one.name for one in shards_of(self._shard.count)}

    def _begin_rotation(self, chunks: list[tuple[str, int]]) -> None:
        """Drop what an earlier order of the series left behind, once everything has been written anew."""
        if self._written:
            names = cast(list[bytes], self._redis.hkeys(keys.BASELINES))
            fields = [name.decode("utf-8", "replace") for name in names]
            left = [field for field in fields if field not in self._written and not self._is_of_another(field)]
            if left:
                self._redis.hdel(keys.BASELINES, *left)
        self._written = set()
        self._rotation = iter(chunks)

"""Reading Redis streams and Redis' clock, with types that redis-py does not give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import redis
import structlog

from probes import keys
from probes.process.clocks.steady_clock import steady_ns, wall_offset_ns
from probes.process.connections.split import SplitRedis, control_of, regions_of
from probes.process.redis_client import ReplyTooLarge, bounded

log = structlog.get_logger(__name__)

#: A stream's entries in their order: the id of each, and its fields.
Entries = list[tuple[bytes, dict[bytes, bytes]]]
#: How long the streams of regions are waited for at once, while those of the control plane are on another server (ms).
SPLIT_BLOCK_MS = 25
#: Bytes of one reply: several times the largest entry that is admitted.
REPLY_BYTES_MOST = 32 * 1024 * 1024
#: Bytes that a reply has when entries are as large as the last ones: what a backlog takes of memory, in place of all of
#: it that may be read at once. A larger one is read no faster.
REPLY_BYTES = 2 * 1024 * 1024
#: How often Redis closes the connection over one entry, and answers, until that one counts as too large.
_CLOSED_MOST = 3


def read_streams(
    client: redis.Redis, positions: Mapping[bytes, bytes], count: int, block_ms: int | None
) -> list[tuple[bytes, Entries]]:
    """The next entries of each stream after its position, at most `count` a stream; waits up to `block_ms` for one.

    Streams without a new entry are left out. Raises `redis.RedisError` when Redis is away.
    """
    of_regions = {name: position for name, position in positions.items() if keys.is_of_regions(name)}
    if isinstance(client, SplitRedis) and 0 < len(of_regions) < len(positions):
        own = {name: position for name, position in positions.items() if name not in of_regions}
        came = read_streams(client, of_regions, count, block_ms and min(block_ms, SPLIT_BLOCK_MS))
        # Read behind them and given before them, so that no result comes before its round.
        return read_streams(client, own, count, None) + came
    answer = client.xread(cast(Any, positions), count=count, block=block_ms)
    return cast(list[tuple[bytes, Entries]], answer or [])


class RegionStreams:
    """Reader of streams that regions write, bounded in the bytes of a reply before it is read.

    A stream whose next entries are too large together is read in smaller parts, by itself. One whose next entry alone
    is too large is deleted: its content is of no use, and costs only the region that wrote it. `deleted` is told its
    name. Redis closes a client whose answer is above `client-output-buffer-limit`, and does not say so: a connection
    that is closed while Redis answers is an answer that is too large. Every method raises `redis.RedisError` when Redis
    is away.
    """

    def __init__(self, client: redis.Redis, count: int, deleted: Callable[[bytes], object] = lambda name: None) -> None:
        self.client = bounded(client, REPLY_BYTES_MOST)
        self._count = self._asked = self._fitting = count
        self._deleted = deleted
        #: Entries to ask for of streams that were too large.
        self._counts: dict[bytes, int] = {}

    def read(self, positions: Mapping[bytes, bytes], block_ms: int) -> list[tuple[bytes, Entries]]:
        """The next entries of each stream after its position, as `read_streams` gives them."""
        together = {name: position for name, position in positions.items() if name not in self._counts}
        apart = {name: position for name, position in positions.items() if name in self._counts}
        found: list[tuple[bytes, Entries]] = []
        if together:
            try:
                self._asked = self._fitting
                found = read_streams(self.client, together, self._asked, 1 if apart else block_ms)
                self._fitting = fitting(found, self._count) or self._asked
            except ReplyTooLarge:
                apart = dict(positions)
            except redis.ConnectionError:
                self._fitting = max(1, self._asked // 8)
                apart = dict(positions)
        return found + [(name, entries) for name, position in apart.items() if (entries := self.after(name, position))]

    def after(self, name: bytes, position: bytes) -> Entries:
        """The next entries of one stream, as many as can be read."""
        count = self._counts.get(name, self._count)
        while (entries := self.between(name, (b"(" + position, b"+"), count)) is None:
            if count == 1:
                self.delete(name)
                return []
            count = max(1, count // 8)
        if count * 2 < self._count:
            self._counts[name] = count * 2
        else:
            self._counts.pop(name, None)
        return entries

    def between(self, name: bytes, ids: tuple[bytes, bytes], count: int) -> Entries | None:
        """At most `count` entries of one stream between two ids; None where they are too large to be read together."""
        # What is deleted for its size was asked for more than once: it may have been closed for another cause.
        for _ in range(_CLOSED_MOST if count == 1 else 1):
            try:
                return cast(Entries, self.client.xrange(name, *ids, count=count))
            except ReplyTooLarge:
                return None
            except redis.ConnectionError:
                # Raises where Redis is away, or is a replica or loading, and so answers a PING alone.
                self.client.xlen(name)
        return None

    def has_more(self, name: bytes, entries: Entries) -> bool:
        """Whether a stream may hold more than these entries, which were just read."""
        return len(entries) >= self._asked or name in self._counts

    def delete(self, name: bytes) -> None:
        """Delete a stream that cannot be read."""
        log.error(
            "redis.key_overwritten",
            key=name.decode("utf-8", "replace")[:100],
            advice="an entry is too large to be read",
        )
        self.client.delete(name)
        self._counts.pop(name, None)
        self._deleted(name)


def fitting(streams: Sequence[tuple[bytes, Entries]], most: int) -> int:
    """How many entries of each of these streams fit into one reply, at most `most`; 0 where nothing says so."""
    sizes = [sum(map(len, fields.values())) for _, entries in streams for _, fields in entries]
    of_each = sum(sizes) * len(streams)
    return max(1, min(most, REPLY_BYTES * len(sizes) // of_each)) if of_each else 0


def redis_now_ms(client: redis.Redis) -> int:
    """The time on Redis' clock in ms; raises `redis.RedisError` when Redis is away."""
    seconds, micros = client.time()
    return seconds * 1000 + micros // 1000


class RedisClock:
    """Redis' clock between two measurements: a steady clock, corrected by the last measured offset. Until the first, it
    is this machine's; no later step of that one moves it.

    `now_ms` is on the clock of the server that regions reach, which they go by. `control_ms` is on that of the control
    plane's own, which numbers its streams, and by which MACs are made and checked; both are one unless there are two.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._regions, self._control = regions_of(client), control_of(client)
        self._offset_ms = self._control_offset_ms = wall_offset_ns() // 1_000_000

    def measure(self) -> None:
        """Ask each Redis for the time. Raises `redis.RedisError` when one is away."""
        self._control_offset_ms = redis_now_ms(self._control) - _steady_ms()
        if self._regions is self._control:
            self._offset_ms = self._control_offset_ms
        else:
            self._offset_ms = redis_now_ms(self._regions) - _steady_ms()

    def now_ms(self) -> int:
        return _steady_ms() + self._offset_ms

    def control_ms(self) -> int:
        return _steady_ms() + self._control_offset_ms

    @property
    def control_ahead_ms(self) -> int:
        """How far the clock of the control plane's own server is ahead of that which regions go by."""
        return self._control_offset_ms - self._offset_ms


def _steady_ms() -> int:
    return steady_ns() // 1_000_000

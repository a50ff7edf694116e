"""The recorder's side of Redis: what the regions wrote since a position, and whether something in between is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import redis

from probes import keys
from probes.process.redis_streams import Entries, redis_now_ms

#: Entries taken from each stream in one read, of up to 200 results each.
READ_COUNT = 200
#: No entry can come after one of this id.
_LAST = keys.entry_id_text((2**64 - 1, 2**64 - 1))


@dataclass(frozen=True, slots=True)
class Found:
    """What came after a position. `cut_ms` is when it was, if its entry is gone: so may be others behind it."""

    entries: list[tuple[str, bytes]]
    cut_ms: int | None
    first_ms: int
    more: bool


class ResultStreams:
    """The results streams by the key of their region. Raises `redis.RedisError` when Redis is away."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._slugs: Mapping[int, str] = {}

    def follow(self, slugs: Mapping[int, str]) -> None:
        self._slugs = dict(slugs)

    def now_ms(self) -> int:
        return redis_now_ms(self._redis)

    def read(self, positions: Mapping[int, str]) -> Iterator[tuple[int, Found]]:
        """What each stream holds after its position; only those that hold something.

        Streams are trimmed behind the recorded position, whose own entry stays as a witness: while it is there,
        nothing behind it was trimmed. A stream that was lost and begun anew is seen by the same sign, and read from
        its beginning where its ids are smaller than before.
        """
        pipe = self._redis.pipeline(transaction=False)
        asked = [(region, positions[region]) for region in positions if region in self._slugs]
        for region, position in asked:
            stream = keys.results(self._slugs[region])
            pipe.xrange(stream, min=position, max=position, count=1)
            if position == _LAST:
                pipe.xrange(stream, min="+", max="-", count=1)
            else:
                pipe.xrange(stream, min=f"({position}", count=READ_COUNT)
        answers = pipe.execute()
        for place, (region, position) in enumerate(asked):
            witness, entries = cast(Entries, answers[2 * place]), cast(Entries, answers[2 * place + 1])
            cut = position != keys.STREAM_START and not witness
            if cut and not entries:
                entries = cast(Entries, self._redis.xrange(keys.results(self._slugs[region]), count=READ_COUNT))
            if entries:
                yield region, _found(entries, position if cut else None)

    def publish(self, positions: Mapping[int, str]) -> None:
        """Say how far each region is recorded: to whoever trims the streams, and to itself, which keeps the rest."""
        stored = {self._slugs[region]: position for region, position in positions.items()}
        pipe = self._redis.pipeline(transaction=False)
        pipe.hset(keys.READERS, mapping=cast(Any, stored))
        for slug, position in stored.items():
            pipe.set(keys.stored(slug), position)
        pipe.execute()


def _found(entries: Entries, cut_at: str | None) -> Found:
    return Found(
        entries=[(entry_id.decode(), fields.get(keys.BODY, b"")) for entry_id, fields in entries],
        cut_ms=None if cut_at is None else keys.entry_id(cut_at)[0],
        first_ms=keys.entry_id(entries[0][0])[0],
        more=len(entries) >= READ_COUNT,
    )

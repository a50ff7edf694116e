"""Result streams in Redis: reads new entries, and detects trimmed or lost ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import redis

from probes import keys
from probes.process.redis_streams import Entries, redis_now_ms

READ_COUNT = 200
#: Largest possible id.
_LAST = keys.entry_id_text((2**64 - 1, 2**64 - 1))


@dataclass(frozen=True, slots=True)
class Found:
    """Entries after a position. `cut_ms` is the position's time if its entry is gone, as others after it may be."""

    entries: list[tuple[str, bytes]]
    cut_ms: int | None
    first_ms: int
    more: bool


class ResultStreams:
    """Result streams by region key. Raises `redis.RedisError` when Redis is unavailable."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._slugs: Mapping[int, str] = {}

    def follow(self, slugs: Mapping[int, str]) -> None:
        self._slugs = dict(slugs)

    def now_ms(self) -> int:
        return redis_now_ms(self._redis)

    def read(self, positions: Mapping[int, str]) -> Iterator[tuple[int, Found]]:
        """Entries of each stream after its position; only streams with any.

        Streams are trimmed behind the recorded position, whose own entry stays as a marker: while it exists, nothing
        after it was trimmed. The same marker reveals a recreated stream, which is read from its start if its ids are
        lower.
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
        """Publish recorded positions, for trimming and for its own check."""
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

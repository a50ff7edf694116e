"""Result streams in Redis: reads new entries, and detects trimmed or lost ones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis

from probes import keys
from probes.process.connections.split import regions_of
from probes.process.redis_client import ReplyTooLarge
from probes.process.redis_streams import Entries, RegionStreams, redis_now_ms
from vigil.control_keys import control_signer, published_keys
from vigil.history.recording.intake import Intake

READ_COUNT = 200
#: Told of an entry that is taken: region, id and body.
EntryHeard = Callable[[str, str, bytes], object]
#: A region believes for so long how far its results are stored, while no recorder says more (s).
STORED_LIFE_S = 30 * 86_400
#: Largest possible id.
_LAST = keys.entry_id_text((2**64 - 1, 2**64 - 1))


@dataclass(frozen=True, slots=True)
class Found:
    """Entries after a position. `cut_ms` is the position's time if its entry is gone, as others after it may be."""

    entries: list[tuple[str, dict[bytes, bytes]]]
    cut_ms: int | None
    first_ms: int
    more: bool


class ResultStreams:
    """Result streams by region key. Raises `redis.RedisError` when Redis is unavailable."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._reader = RegionStreams(client, READ_COUNT)
        self._published = published_keys(client)
        self._signer = control_signer(self.now_ms)
        self._slugs: Mapping[int, str] = {}
        #: It must not wait.
        self.heard: EntryHeard = lambda region, entry_id, body: None

    def follow(self, slugs: Mapping[int, str]) -> None:
        self._slugs = dict(slugs)

    def now_ms(self) -> int:
        return redis_now_ms(regions_of(self._redis))

    def read(self, positions: Mapping[int, str]) -> Iterator[tuple[int, Found]]:
        """Entries of each stream after its position; only streams with any.

        Streams are trimmed behind the recorded position, whose own entry stays as a marker: while it exists, nothing
        after it was trimmed. The same marker reveals a recreated stream, which is read from its start if its ids are
        lower.

        None while the regions' keys are not known yet, as before ingest has published them: what cannot be proven would
        be passed, and is lost then.
        """
        if not self._published.keyring().is_known:
            return
        asked = [(region, positions[region]) for region in positions if region in self._slugs]
        answers = self._answers(asked)
        for (region, position), (witness, entries) in zip(asked, answers, strict=True):
            cut = position != keys.STREAM_START and not witness
            if cut and not entries:
                entries = self._reader.after(self._name(region), keys.STREAM_START.encode())
            if entries:
                more = self._reader.has_more(self._name(region), entries)
                yield region, _found(entries, position if cut else None, more)

    def hand(self, intake: Intake, region: int, entry: tuple[str, dict[bytes, bytes]], now_ms: int) -> None:
        """Give an entry to the intake if the region signed it; one that comes twice is stored once, under its slots."""
        (entry_id, fields), slug = entry, self._slugs[region]
        body = fields.get(keys.BODY, b"")
        signed = body, fields.get(keys.ENVELOPE, b"")
        refusal = self._published.keyring().refusal(slug, keys.results(slug), signed, now_ms)
        if refusal is None:
            intake.take(region, entry_id, body, now_ms)
            self.heard(slug, entry_id, body)
        else:
            intake.refuse(region, entry_id, refusal, now_ms)

    def _answers(self, asked: Sequence[tuple[int, str]]) -> list[tuple[Entries, Entries]]:
        """The same as `_after`, in parts that can be read where all of it is too much."""
        try:
            return self._after(asked)
        except (ReplyTooLarge, redis.ConnectionError):
            # Redis closes a client whose answer is too large for it; what follows raises where it is away.
            return [self._apart(region, position) for region, position in asked]

    def _after(self, asked: Sequence[tuple[int, str]]) -> list[tuple[Entries, Entries]]:
        """Of each stream the entry at its position, and those behind it."""
        pipe = self._reader.client.pipeline(transaction=False)
        for region, position in asked:
            pipe.xrange(self._name(region), min=position, max=position, count=1)
            if position == _LAST:
                pipe.xrange(self._name(region), min="+", max="-", count=1)
            else:
                pipe.xrange(self._name(region), min=f"({position}", count=READ_COUNT)
        answers = cast(list[Entries], pipe.execute())
        return list(zip(answers[::2], answers[1::2], strict=True))

    def _apart(self, region: int, position: str) -> tuple[Entries, Entries]:
        """The same for one stream, in parts that can be read."""
        with contextlib.suppress(ReplyTooLarge, redis.ConnectionError):
            return self._after([(region, position)])[0]
        name, at = self._name(region), position.encode()
        witness = self._reader.between(name, (at, at), 1) or []
        return witness, [] if position == _LAST else self._reader.after(name, at)

    def _name(self, region: int) -> bytes:
        return keys.results(self._slugs[region]).encode()

    def publish(self, positions: Mapping[int, str]) -> None:
        """Publish recorded positions, for trimming and for its own check."""
        stored = {self._slugs[region]: position for region, position in positions.items()}
        pipe = self._redis.pipeline(transaction=False)
        pipe.hset(keys.READERS, mapping=cast(Any, stored))
        for slug, position in stored.items():
            name, body = keys.stored(slug), position.encode()
            pipe.set(name, self._signer.sign(name, body, STORED_LIFE_S) + body)
        pipe.execute()


def _found(entries: Entries, cut_at: str | None, more: bool) -> Found:
    return Found(
        entries=[(entry_id.decode(), fields) for entry_id, fields in entries],
        cut_ms=None if cut_at is None else keys.entry_id(cut_at)[0],
        first_ms=keys.entry_id(entries[0][0])[0],
        more=more,
    )

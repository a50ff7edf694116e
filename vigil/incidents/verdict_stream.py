"""Verdict stream as the ingest of one shard reads it: from its committed position on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import redis
import structlog

from consensus.shards import Shard
from probes import keys
from probes.process.dead_letters import DeadLetterMessage, entry_of
from probes.process.redis_streams import Entries, read_streams
from vigil.incidents.models import IngestPosition

log = structlog.get_logger()

BATCH, BLOCK_MS = 100, 200


@dataclass(frozen=True, slots=True)
class LogMessage:
    """An entry of the stream of verdicts as it is there."""

    id: str
    payload: bytes
    mac: bytes = b""

    def as_letter(self) -> DeadLetterMessage:
        return entry_of(keys.VERDICTS, self.id, self.payload)


class VerdictStream:
    """Every shard reads all verdicts; `position` is None until `start`. Raises `redis.RedisError`."""

    def __init__(self, client: redis.Redis, shard: Shard) -> None:
        self._redis = client
        self._name = shard.named(keys.VERDICTS)
        self.position: str | None = None

    def start(self) -> None:
        """Go on from the committed position."""
        stored = IngestPosition.objects.filter(pk=self._name).values_list("entry_id", flat=True).first()
        self.position = stored or keys.STREAM_START

    def read(self) -> list[LogMessage]:
        """The messages that have arrived."""
        position = (self.position or keys.STREAM_START).encode()
        return [
            LogMessage(entry_id.decode(), fields.get(keys.BODY, b""), fields.get(keys.ENVELOPE, b""))
            for _, messages in read_streams(self._redis, {keys.VERDICTS.encode(): position}, BATCH, BLOCK_MS)
            for entry_id, fields in messages
        ]

    def repair_position(self) -> None:
        """Begin again where the last verdict is older than the position: the stream was lost, or its ids put right."""
        newest = cast(Entries, self._redis.xrevrange(keys.VERDICTS, count=1))
        if newest and self.position and keys.entry_id(newest[0][0]) < keys.entry_id(self.position):
            log.warning("stream.begun_anew", position=self.position, newest=newest[0][0].decode())
            IngestPosition.objects.filter(pk=self._name).update(entry_id=keys.STREAM_START)
            self.position = keys.STREAM_START

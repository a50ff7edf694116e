"""Models lists that checks of this worker read, told to the control plane when they change, and once an hour.

A check gives the body that it has fetched anyway. One with the same hash as the last costs nothing more; another is
parsed at most once a minute a monitor, and told if its rows differ. What two workers of a region tell is the same, and
taken once.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import cast

import redis.asyncio
import redis.exceptions
from redis.typing import EncodableT, FieldT

from probes import keys
from probes.ai.models.listed import LIST_BYTES_MOST, LIST_LIFE_S, LIST_VERSION, ModelList, encode
from probes.ai.models.parser import parse_models
from probes.process.own_keys import is_full_stream
from probes.signing.signatures import Signer

#: A list is told again after so long, since the control plane may have lost it (ms).
AGAIN_MS = 3_600_000
#: Some answers differ each time without telling anything new (ms).
PARSE_EVERY_MS = 60_000
#: Monitors that are remembered, and lists that wait for Redis.
REMEMBERED, WAITING_MOST = 20_000, 500
#: Entries of the stream: the control plane empties it within a minute.
STREAM_LENGTH = 500


@dataclass(slots=True)
class _Known:
    """What was last read and told of one monitor."""

    revision: int
    body: bytes = b""
    rows: bytes = b""
    parsed_ms: int = 0
    told_ms: int = 0


class ModelLists:
    """Takes bodies on the loop's thread; `turn` writes what waits. Waits for nothing in between."""

    def __init__(self, connection: redis.asyncio.Redis, region: str, signer: Signer) -> None:
        self._redis = connection
        self._stream = keys.model_lists(region)
        self._signer = signer
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._waiting: OrderedDict[str, bytes] = OrderedDict()

    def note(self, monitor: str, revision: int, provider: str, body: bytes, now_ms: int) -> None:
        """A check of this monitor has read this body of a models list."""
        known = self._of(monitor, revision)
        # A clock that was set back has passed neither.
        is_due = not 0 <= now_ms - known.told_ms < AGAIN_MS
        digest = hashlib.blake2b(body, digest_size=16).digest()
        if digest == known.body and not is_due:
            return
        if 0 <= now_ms - known.parsed_ms < PARSE_EVERY_MS:
            return
        known.body, known.parsed_ms = digest, now_ms
        parsed = parse_models(provider, body)
        if parsed is None or not parsed[0]:
            return
        models, total = parsed
        rows = hashlib.blake2b(encode.encode(models), digest_size=16).digest()
        if rows == known.rows and not is_due:
            return
        told = encode.encode(ModelList(LIST_VERSION, monitor, revision, provider[:40], now_ms, models, total))
        if len(told) > LIST_BYTES_MOST:
            return
        known.rows, known.told_ms = rows, now_ms
        self._waiting[monitor] = told
        while len(self._waiting) > WAITING_MOST:
            self._waiting.popitem(last=False)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def turn(self) -> None:
        """Write what waits. Raises `redis.RedisError` when Redis is away; what waits then stays."""
        while self._waiting:
            monitor, body = next(iter(self._waiting.items()))
            envelope = self._signer.sign(self._stream, body, LIST_LIFE_S)
            entry = cast(dict[FieldT, EncodableT], {keys.BODY: body, keys.ENVELOPE: envelope})
            try:
                await self._redis.xadd(self._stream, entry, maxlen=STREAM_LENGTH, approximate=True)
            except redis.exceptions.ResponseError as error:
                if not is_full_stream(error):
                    raise
                await self._redis.delete(self._stream)
                continue
            if self._waiting.get(monitor) is body:
                del self._waiting[monitor]

    def _of(self, monitor: str, revision: int) -> _Known:
        known = self._known.get(monitor)
        if known is None or known.revision != revision:
            known = self._known[monitor] = _Known(revision)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(monitor)
        return known

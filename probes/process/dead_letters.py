"""Dead letters: entries and messages that failed for good, with their error, as one message of the wire.

The control plane keeps them in its table; a process without a database writes them to a stream of Redis, from where
ingest moves them there.
"""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Iterator
from typing import Annotated, Any, cast

import msgspec
import redis
import structlog
from msgspec import Meta

from probes import keys
from probes.message_decoder import Count, MessageDecoder
from probes.signing.control_macs import ControlMacs
from probes.text import storable, without_arguments, without_credentials

log = structlog.get_logger(__name__)

DEAD_LETTER_VERSION = 1
#: Bytes of an entry that are kept; what is longer is cut, and cannot be replayed.
PAYLOAD_LIMIT = 100_000
ERROR_LIMIT = 1_000
NAME_LIMIT = 200
#: Letters in Redis at most, and bytes of each: they wait there for a second, or while PostgreSQL is away.
STREAM_LENGTH = 1_000
STREAM_PAYLOAD_LIMIT = 16_000
FRAMES = 3
#: An older one is no letter of ours: whoever holds Redis may have kept it.
AGE_MOST_MS = 7 * 86_400_000


class DeadLetterMessage(msgspec.Struct, frozen=True, array_like=True):
    """One entry that failed. `origin` is where it came from: a region, a channel, a row.

    `stream` and `entry` name the stream that it can be added to again, and its id there. One that is `settled` says
    that whatever failed there works again.
    """

    v: Count
    source: str
    step: str
    origin: str
    error: str = ""
    stream: str = ""
    entry: str = ""
    payload: bytes = b""
    size: Annotated[int, Meta(ge=0, le=2**53)] = 0
    settled: bool = False


_encoder = msgspec.msgpack.Encoder()
_decode: MessageDecoder[DeadLetterMessage] = MessageDecoder(DeadLetterMessage, 1024 * 1024)


def entry_of(stream: str, entry: str, payload: bytes) -> DeadLetterMessage:
    """The bytes of an entry and where they stand, for `letter_of`."""
    return DeadLetterMessage(
        DEAD_LETTER_VERSION, "", "", "", stream=stream, entry=entry, payload=payload, size=len(payload)
    )


def letter_of(
    source: str, step: str, origin: str, error: BaseException, entry: DeadLetterMessage | None = None
) -> DeadLetterMessage:
    """A letter about an error, bounded, of text that PostgreSQL takes."""
    entry = entry or entry_of("", "", b"")
    return DeadLetterMessage(
        DEAD_LETTER_VERSION,
        source,
        step,
        storable(origin, NAME_LIMIT),
        storable(without_arguments(without_credentials(_described(error))), ERROR_LIMIT, breaks=True),
        storable(entry.stream, NAME_LIMIT),
        storable(entry.entry, NAME_LIMIT),
        entry.payload[:PAYLOAD_LIMIT],
        entry.size,
    )


#: For a letter about what has no bytes.
NO_ENTRY = entry_of("", "", b"")


class DeadLetterStream:
    """Letters of a process that has no database: held in memory until `flush`, then in Redis, bounded in both."""

    def __init__(self, client: redis.Redis, macs: ControlMacs) -> None:
        self._redis = client
        self._macs = macs
        self._waiting: deque[DeadLetterMessage] = deque(maxlen=STREAM_LENGTH)

    def keep(self, letter: DeadLetterMessage) -> None:
        self._waiting.append(msgspec.structs.replace(letter, payload=letter.payload[:STREAM_PAYLOAD_LIMIT]))

    def flush(self) -> None:
        """Write what waits. Raises `redis.RedisError` when Redis is away; then it goes on waiting."""
        while self._waiting:
            body = _encoder.encode(self._waiting[0])
            mac = self._macs.mac(keys.DEAD_LETTERS, body, time.time_ns() // 1_000_000)
            fields = {keys.BODY: body, keys.ENVELOPE: mac}
            self._redis.xadd(keys.DEAD_LETTERS, cast(Any, fields), maxlen=STREAM_LENGTH, approximate=True)
            self._waiting.popleft()


def waiting_letters(
    client: redis.Redis, macs: ControlMacs, count: int
) -> Iterator[tuple[bytes, DeadLetterMessage | None]]:
    """The oldest letters of the stream with their ids; None for one that cannot be read, or is not the control plane's.

    Raises `redis.RedisError`.
    """
    for entry_id, fields in cast(list[tuple[bytes, dict[bytes, bytes]]], client.xrange(keys.DEAD_LETTERS, count=count)):
        body, mac = fields.get(keys.BODY, b""), fields.get(keys.ENVELOPE, b"")
        refusal = macs.refusal(keys.DEAD_LETTERS, body, mac, time.time_ns() // 1_000_000, AGE_MOST_MS)
        if refusal is not None:
            log.warning("dead_letter.refused", entry=entry_id.decode("ascii", "replace"), why=refusal.value)
            yield entry_id, None
            continue
        try:
            yield entry_id, read_letter(body)
        except msgspec.DecodeError:
            yield entry_id, None


def read_letter(payload: bytes) -> DeadLetterMessage:
    """A letter as another process wrote it, its texts fit to be stored; raises `msgspec.DecodeError`."""
    letter = _decode(payload)
    texts = ("source", "step", "origin", "stream", "entry")
    names = {name: storable(getattr(letter, name), NAME_LIMIT) for name in texts}
    return msgspec.structs.replace(letter, error=storable(letter.error, ERROR_LIMIT, breaks=True), **names)


def _described(error: BaseException) -> str:
    """The error's type and message, and the last places that it passed."""
    said = "".join(traceback.format_exception_only(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    places = [f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno} {frame.name}" for frame in frames]
    return "\n".join([said[: ERROR_LIMIT - 300], *places])

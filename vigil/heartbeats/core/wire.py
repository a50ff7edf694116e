"""What a receiver writes to the log of pings, and the applier reads: versioned messages, MessagePack arrays. Pure.

Fields are only ever appended, each with a default.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

PING_VERSION = 1
#: How much of a body is kept; what is longer is cut, and its size noted.
BODY_LIMIT = 100_000


class PingKind(StrEnum):
    """What a job says of itself. IGNORED is a message that a keyword rule passes over."""

    SUCCESS = "success"
    START = "start"
    FAIL = "fail"
    LOG = "log"
    IGNORED = "ignored"


class Method(StrEnum):
    """How a ping came."""

    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    EMAIL = "EMAIL"


class Address(msgspec.Struct, frozen=True, array_like=True):
    """Whom a ping is for: a heartbeat by its code, or a team's key and the slug of one of its heartbeats."""

    code: str = ""
    key: str = ""
    slug: str = ""
    create: bool = False


class Ping(msgspec.Struct, frozen=True, array_like=True):
    """One call. `id` is new for every call, `at_us` is when it came, on the database's clock.

    `exit_code` is there when the job told one; `body_size` is the full size of a body that may have been cut.
    """

    id: str
    at_us: int
    address: Address
    kind: PingKind = PingKind.SUCCESS
    exit_code: int | None = None
    rid: str = ""
    method: Method = Method.GET
    origin: str = ""
    agent: str = ""
    body: bytes = b""
    body_size: int = 0


class LogEntry(msgspec.Struct, frozen=True, array_like=True):
    """What is written at once: pings in the order they came.

    `beat_us` is set when the receiver says that it is there: every ping it took before that time is already written.
    """

    v: int
    receiver: str
    pings: list[Ping]
    beat_us: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(LogEntry)


def encode(entry: LogEntry) -> bytes:
    return _encoder.encode(entry)


def decode(payload: bytes) -> LogEntry:
    """Raises `msgspec.DecodeError` for anything else."""
    return _decoder.decode(payload)

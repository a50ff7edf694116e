"""Ping log wire format: versioned MessagePack arrays from receiver to applier. Pure.

Fields are only appended, each with a default.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

PING_VERSION = 1
#: Longest stored body; a longer one is cut and its size recorded.
BODY_LIMIT = 100_000


class PingKind(StrEnum):
    """What a ping reports. IGNORED is a message that a keyword rule drops."""

    SUCCESS = "success"
    START = "start"
    FAIL = "fail"
    LOG = "log"
    IGNORED = "ignored"


class Method(StrEnum):
    """Transport of a ping."""

    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    EMAIL = "EMAIL"


class Address(msgspec.Struct, frozen=True, array_like=True):
    """Target of a ping: a heartbeat by its code, or a team's key and a slug."""

    code: str = ""
    key: str = ""
    slug: str = ""
    create: bool = False


class Ping(msgspec.Struct, frozen=True, array_like=True):
    """One ping. `id` is unique, `at_us` is its arrival on the database's clock.

    `exit_code` is there if the job sent one; `body_size` is the full size of a body that may have been cut.
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
    """A batch of pings in order of arrival.

    `beat_us`: every ping that the receiver took before that time is already written (watermark).
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

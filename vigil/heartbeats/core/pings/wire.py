"""Ping log wire format: versioned MessagePack arrays from receiver to applier. Pure.

Fields are only appended, each with a default. The bounds of a field are part of its type.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from probes.message_decoder import LAST_MS, Count, MessageDecoder, Text
from probes.text import storable

PING_VERSION = 1
#: Longest stored body; a longer one is cut and its size recorded.
BODY_LIMIT = 100_000
#: One write holds 1,000 pings and a megabyte of bodies at most, and one body more.
ENTRY_BYTES_MOST = 16 * 1024 * 1024
#: What is kept of the other texts of a ping (characters).
_LIMITS = {"rid": 64, "origin": 64, "agent": 200, "word": 64}
#: What keys and slugs are made of.
_PART = re.compile(r"[0-9A-Za-z_-]{0,100}", re.ASCII)

InstantUs = Annotated[int, Meta(ge=0, le=LAST_MS * 1000)]


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

    code: Text = ""
    key: Text = ""
    slug: Text = ""
    create: bool = False


class Ping(msgspec.Struct, frozen=True, array_like=True):
    """One ping. `id` is unique, `at_us` is its arrival on the database's clock.

    `exit_code` is there if the job sent one that shells have, `word` if it sent another: the name of a signal, or a
    longer code. `body_size` is the full size of a body that may have been cut; `heard` is what of the heartbeat's
    keywords came behind the cut, a line each.
    """

    id: Text
    at_us: InstantUs
    address: Address
    kind: PingKind = PingKind.SUCCESS
    exit_code: Annotated[int, Meta(ge=0, le=2**15 - 1)] | None = None
    rid: Text = ""
    method: Method = Method.GET
    origin: Text = ""
    agent: Text = ""
    body: bytes = b""
    body_size: Count = 0
    word: Text = ""
    heard: bytes = b""


class LogEntry(msgspec.Struct, frozen=True, array_like=True):
    """A batch of pings in order of arrival. `beat_us` is a watermark: earlier pings are already written."""

    v: Count
    receiver: Text
    pings: list[Ping]
    beat_us: InstantUs = 0


_encoder = msgspec.msgpack.Encoder()
_decode: MessageDecoder[LogEntry] = MessageDecoder(LogEntry, ENTRY_BYTES_MOST)


def encode(entry: LogEntry) -> bytes:
    return _encoder.encode(entry)


def decode(payload: bytes) -> LogEntry:
    """Decode an entry; raises `msgspec.DecodeError` for anything else. Its pings have ids and texts that can be stored;
    one that has none, or is for no address there can be, is left out."""
    entry = _decode(payload)
    pings = [_storable(ping) for ping in entry.pings if _can_be_meant(ping)]
    return entry if pings == entry.pings else replace(entry, pings=pings)


def _can_be_meant(ping: Ping) -> bool:
    address = ping.address
    try:
        UUID(ping.id)
        UUID(address.code or ping.id)
    except ValueError:
        return False
    return all(_PART.fullmatch(part) for part in (address.key, address.slug))


def _storable(ping: Ping) -> Ping:
    texts = {name: storable(getattr(ping, name), limit) for name, limit in _LIMITS.items()}
    return ping if all(getattr(ping, name) == text for name, text in texts.items()) else replace(ping, **texts)

"""Decoders of messages that another process, a region or a stranger wrote, and the bounds of what these may hold. Pure.

The bounds are part of the types of the fields: a number that no column, calendar or array could hold does not get past
the decoder, which checks them at no cost to speak of.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

Message = TypeVar("Message")

#: The last instant that a message may name: the year 3000.
LAST_MS = 32_503_680_000_000
LONGEST_US = 3_600_000_000
TextLimit = Meta(max_length=1_000)

#: An instant, in milliseconds since the epoch.
Instant = Annotated[int, Meta(ge=0, le=LAST_MS)]
#: A duration of a part of a check, in microseconds: an hour at most.
Micros = Annotated[int, Meta(ge=0, le=LONGEST_US)]
#: How many, how often, which version.
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
#: A number of either sign, or one that only grows.
Number = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Revision = Annotated[int, Meta(ge=0, le=2**53)]
#: A public id, a region, a failure domain, a round.
Name = Annotated[str, Meta(max_length=100)]
Text = Annotated[str, TextLimit]
Key = Annotated[bytes, Meta(max_length=100)]


class MessageDecoder(Generic[Message]):
    """Decodes MessagePack of one type, of so many bytes at most."""

    def __init__(self, kind: Any, most_bytes: int) -> None:
        self._decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(kind)
        self._most_bytes = most_bytes

    def __call__(self, payload: bytes) -> Message:
        """Decode one message; raises `msgspec.DecodeError`, whatever is wrong with it."""
        if len(payload) > self._most_bytes:
            raise msgspec.DecodeError(f"{len(payload)} bytes, and {self._most_bytes} are read at most")
        try:
            return self._decoder.decode(payload)
        except msgspec.DecodeError:
            raise
        except (ValueError, OverflowError, RecursionError, MemoryError) as error:
            # Text that is no UTF-8, nesting without end, sizes beyond any memory.
            raise msgspec.DecodeError(f"{type(error).__name__}: {error}"[:200]) from None

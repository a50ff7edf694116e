"""Packed rows of a models list, as PostgreSQL keeps them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import msgspec

from probes.ai.models.listed import LIST_BYTES_MOST, ListedModel, encode

_decoder: msgspec.msgpack.Decoder[list[ListedModel]] = msgspec.msgpack.Decoder(list[ListedModel])


def packed(rows: Iterable[ListedModel]) -> bytes:
    return zlib.compress(encode.encode(list(rows)), 1)


def unpacked(stored: bytes | memoryview) -> dict[str, ListedModel]:
    """Rows by id; none where they cannot be read, as after a change of their form."""
    try:
        plain = zlib.decompressobj().decompress(bytes(stored), LIST_BYTES_MOST)
        return {row.id: row for row in _decoder.decode(plain)}
    except (zlib.error, msgspec.DecodeError):
        return {}

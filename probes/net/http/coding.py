"""Content codings of a body: gzip in all its members, deflate with and without a wrapper, and what is left as it is."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from probes.net.failures import ProtocolBroken
from probes.net.http_messages import Flaw, Header

_GZIP = ("gzip", "x-gzip")
_NONE = ("", "identity", "none")
#: Codings that exist and that we do not read; any other word is no coding, and clients pass over it.
_UNREAD = ("br", "zstd", "compress", "x-compress", "dcb", "dcz")
#: More codings over each other than this are not taken off.
_CODINGS_MOST = 3
#: More members of one gzip body are not read: each costs a copy of what is left.
_MEMBERS_MOST = 256
_GZIP_MAGIC = b"\x1f\x8b"

UNKNOWN_CODING = Flaw("an unknown Content-Encoding")
SEVERAL_MEMBERS = Flaw("compressed data in several members")
BYTES_AFTER = Flaw("bytes after the compressed data", disputed=True)
ENDS_EARLY = Flaw("compressed data that ends too early", disputed=True)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body without its codings; `cut` when the limit cut it. `undecoded` names the coding that it is still in."""

    body: bytes
    cut: bool = False
    flaws: tuple[Flaw, ...] = ()
    undecoded: str = ""


def decoded(body: bytes, headers: Sequence[Header], limit: int, partial: bool) -> Decoded:
    """The body without its codings, at most `limit` bytes; `partial` when it was read in part only.

    Compressed data that ends too early counts as cut. Raises ProtocolBroken for a body that is not in its coding.
    """
    if not body:
        return Decoded(body)
    codings = _codings(headers)
    if not codings:
        return Decoded(body)
    cut = False
    flaws: list[Flaw] = []
    for place, coding in enumerate(reversed(codings)):
        if coding in _UNREAD or place == _CODINGS_MOST:
            return Decoded(body, cut, tuple(flaws), coding[:20])
        if coding in _GZIP or coding == "deflate":
            read = _gunzipped if coding in _GZIP else _inflated
            body, cut_now, found = read(body, limit, partial or cut)
            cut = cut or cut_now
            flaws += found
        else:
            flaws.append(UNKNOWN_CODING)
    return Decoded(body, cut, tuple(flaws))


def _codings(headers: Sequence[Header]) -> list[str]:
    found: list[str] = []
    for name, value in headers:
        if name == "content-encoding" or (name == "transfer-encoding" and value.lower() != "chunked"):
            words = [word.strip(" \t").lower() for word in value.split(",")]
            found += [word for word in words if word not in _NONE and word != "chunked"]
    return found


def _gunzipped(body: bytes, limit: int, partial: bool) -> tuple[bytes, bool, list[Flaw]]:
    """All members of a gzip body, whether it is cut, and the flaws of its form."""
    plain, flaws, rest = bytearray(), list[Flaw](), body
    for _ in range(_MEMBERS_MOST):
        # 47 reads gzip and zlib.
        inflater = zlib.decompressobj(47)
        plain += _step(inflater, rest, limit - len(plain))
        if not inflater.eof:
            return bytes(plain), True, flaws if _limited(inflater, plain, limit) or partial else [*flaws, ENDS_EARLY]
        rest = inflater.unused_data
        if rest[:2] != _GZIP_MAGIC:
            return bytes(plain), False, [*flaws, BYTES_AFTER] if rest else flaws
        if len(plain) >= limit:
            return bytes(plain), True, flaws
        if SEVERAL_MEMBERS not in flaws:
            flaws.append(SEVERAL_MEMBERS)
    return bytes(plain), True, flaws


def _inflated(body: bytes, limit: int, partial: bool) -> tuple[bytes, bool, list[Flaw]]:
    """A deflate body: zlib as the standard says, or bare as some servers send it."""
    wrapped = body[0] & 0x0F == 8 and len(body) > 1 and (body[0] << 8 | body[1]) % 31 == 0
    for bits in (15, -15) if wrapped else (-15, 15):
        inflater = zlib.decompressobj(bits)
        try:
            plain = inflater.decompress(body, limit)
        except zlib.error:
            continue
        if inflater.eof:
            return plain, False, [BYTES_AFTER] if inflater.unused_data else []
        return plain, True, [] if _limited(inflater, plain, limit) or partial else [ENDS_EARLY]
    raise ProtocolBroken("a body that does not decompress")


def _limited(inflater: zlib._Decompress, plain: bytes | bytearray, limit: int) -> bool:
    """Whether it is our limit that ended the reading."""
    return bool(inflater.unconsumed_tail) or len(plain) >= limit


def _step(inflater: zlib._Decompress, body: bytes, room: int) -> bytes:
    try:
        return inflater.decompress(body, max(1, room))
    except zlib.error:
        raise ProtocolBroken("a body that does not decompress") from None

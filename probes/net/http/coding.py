"""Content codings of a body: gzip in all its members, deflate with and without a wrapper, and what is left as it is."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from probes.net.failures import ClosedEarly, ProtocolBroken
from probes.net.http_messages import Flaw, Header

_GZIP = ("gzip", "x-gzip")
_NONE = ("", "identity", "none")
#: Codings that exist and that we do not read; any other word is no coding, and clients pass over it.
_UNREAD = ("br", "zstd", "compress", "x-compress", "dcb", "dcz")
#: More codings over each other than this are not taken off.
_CODINGS_MOST = 3
_GZIP_MAGIC = b"\x1f\x8b"

UNKNOWN_CODING = Flaw("an unknown Content-Encoding")
BYTES_AFTER_GZIP = Flaw("bytes after the compressed body")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body without its codings; `cut` when the limit cut it. `undecoded` names the coding that it is still in."""

    body: bytes
    cut: bool = False
    flaws: tuple[Flaw, ...] = ()
    undecoded: str = ""


def decoded(body: bytes, headers: Sequence[Header], limit: int, partial: bool) -> Decoded:
    """The body without its codings, at most `limit` bytes; `partial` when it was read in part only.

    Raises ProtocolBroken for a body that is not in its coding, and ClosedEarly for one that ends too early.
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
        if coding in _GZIP:
            body, now_cut, after = _gunzipped(body, limit, partial or cut)
            cut = cut or now_cut
            if after:
                flaws.append(BYTES_AFTER_GZIP)
        elif coding == "deflate":
            body, now_cut = _inflated(body, limit, partial or cut)
            cut = cut or now_cut
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


def _gunzipped(body: bytes, limit: int, partial: bool) -> tuple[bytes, bool, bool]:
    """All members of a gzip body; whether the limit cut it, and whether anything else came after them."""
    plain = bytearray()
    rest = body
    while rest[:2] == _GZIP_MAGIC or not plain:
        # 47 reads gzip and zlib.
        inflater = zlib.decompressobj(47)
        plain += _step(inflater, rest, limit - len(plain))
        if not inflater.eof:
            if inflater.unconsumed_tail or len(plain) >= limit:
                return bytes(plain), True, False
            _whole(partial)
            return bytes(plain), False, False
        rest = inflater.unused_data
        if not rest:
            break
        if len(plain) >= limit:
            return bytes(plain), True, False
    return bytes(plain), False, bool(rest.strip(b"\0"))


def _inflated(body: bytes, limit: int, partial: bool) -> tuple[bytes, bool]:
    """A deflate body: zlib as the standard says, or bare as some servers send it."""
    wrapped = body[0] & 0x0F == 8 and len(body) > 1 and (body[0] << 8 | body[1]) % 31 == 0
    for bits in (47, -15) if wrapped or body[:2] == _GZIP_MAGIC else (-15, 47):
        inflater = zlib.decompressobj(bits)
        try:
            plain = inflater.decompress(body, limit)
        except zlib.error:
            continue
        if not inflater.eof and not inflater.unconsumed_tail and len(plain) < limit:
            _whole(partial)
        return plain, not inflater.eof and (bool(inflater.unconsumed_tail) or len(plain) >= limit)
    raise ProtocolBroken("a body that does not decompress")


def _step(inflater: zlib._Decompress, body: bytes, room: int) -> bytes:
    try:
        return inflater.decompress(body, max(1, room))
    except zlib.error:
        raise ProtocolBroken("a body that does not decompress") from None


def _whole(partial: bool) -> None:
    if not partial:
        raise ClosedEarly("the compressed body ends too early")

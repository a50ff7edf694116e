"""Lenient parser of the head of an HTTP answer, with the flaws of its form. Pure.

What curl and browsers read is read. Where they disagree the answer is read and the flaw is `disputed`; what both refuse
raises ProtocolBroken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from probes.net.failures import ProtocolBroken, TooLarge
from probes.net.http_messages import HEADERS_LIMIT, Flaw

#: The end of a head, however its lines end. Bounded, so that a run of carriage returns costs no second look.
_HEAD_END = re.compile(rb"\n\r{0,2}\n")
#: The bytes at the end of a piece that may be the beginning of such an end.
HEAD_END_MOST = 4
_PRINTED = bytes(sorted({*range(256)} - {*range(9), *range(10, 32), 127}))
_STATUS_LINE = re.compile(r"HTTP/(1\.[01]) ([1-9][0-9][0-9])(?: [^\r\n]*)?\Z")
_LENIENT_STATUS_LINE = re.compile(r"(HTTP/[0-9]+(?:\.[0-9]+)?|ICY)[ \t]+([1-9][0-9][0-9])(?![0-9])", re.IGNORECASE)
_READ_VERSIONS = {"1.0": "1.0", "1.1": "1.1", "2": "1.1", "2.0": "1.1"}
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: The longest header that curl takes.
_LINE_MOST = 102_400
#: A frame of HTTP/2: the length of its head, and the types that a server begins with, SETTINGS and GOAWAY.
_FRAME_HEAD, _FIRST_FRAMES = 9, (4, 7)
#: Bytes before the status line that browsers pass over.
_SLOP_MOST = 4

#: Names as most servers write them: found at once, without a look at each of their characters.
_KNOWN = {
    spelling: name
    for name in (
        "accept-ranges", "access-control-allow-origin", "age", "alt-svc", "cache-control", "cf-cache-status", "cf-ray",
        "connection", "content-encoding", "content-language", "content-length", "content-security-policy",
        "content-type", "date", "etag", "expires", "keep-alive", "last-modified", "link", "location", "pragma",
        "referrer-policy", "server", "set-cookie", "strict-transport-security", "transfer-encoding", "upgrade", "vary",
        "via", "x-cache", "x-content-type-options", "x-frame-options", "x-powered-by", "x-request-id",
        "x-xss-protection",
    )
    for spelling in (name, "-".join(word.capitalize() for word in name.split("-")), name.upper())
}  # fmt: skip
_KNOWN["ETag"] = "etag"

LF_ONLY = Flaw("header lines that end with a line feed only")
STRAY_CR = Flaw("stray carriage returns in the header")
CONTROL = Flaw("control characters in a header")
FOLDED = Flaw("a header folded over several lines")
BLANK_BEFORE_COLON = Flaw("a blank between the name of a header and its colon, so the header does not count")
BLANK_IN_NAME = Flaw("a blank in the name of a header")
NO_NAME = Flaw("a header without a name")
ODD_STATUS_LINE = Flaw("an odd status line")
NO_COLON = Flaw("a header line without a colon", disputed=True)
FOLDED_FIRST = Flaw("a header that begins with a blank", disputed=True)
FOLDED_LENGTH = Flaw("a folded header that says where the body ends", disputed=True)
LONG = Flaw("a header of more than 100 KiB", disputed=True)
ODD_VERSION = Flaw("an unusual HTTP version", disputed=True)
BYTES_BEFORE = Flaw("bytes before the status line", disputed=True)
HEAD_CUT = Flaw("a header that ends without its empty line: the connection closed in the middle", disputed=True)


class SpeaksHttp2(ProtocolBroken):
    """The answer is a frame of HTTP/2."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers of an answer. Header names are lower case; their values have one character per byte."""

    code: int
    version: str
    headers: list[tuple[str, str]]
    flaws: tuple[Flaw, ...] = ()


def head_end(raw: bytes, searched: int) -> tuple[int, int]:
    """Where the head ends and where the body begins, however the lines end; -1 while the end has not come.

    The first `searched` bytes are known to hold no end.
    """
    end = raw.find(b"\r\n\r\n", searched)
    if end >= 0 and raw.find(b"\n\n", searched, end) < 0 and raw.find(b"\n\r\r\n", searched, end) < 0:
        return end, end + 4
    odd = _HEAD_END.search(raw, searched)
    # The line feed of the last line stays: it tells how that line ends.
    return (odd.start() + 1, odd.end()) if odd is not None else (-1, -1)


def read_head(raw: bytes) -> Head:
    """The head without its empty line; raises ProtocolBroken and TooLarge."""
    text = raw.decode("latin-1")
    lines = text.split("\r\n")
    status = _STATUS_LINE.match(lines[0])
    if status is None or len(raw) > _LINE_MOST or raw.translate(None, _PRINTED) != b"\r\n" * (len(lines) - 1):
        return _lenient(raw)
    if len(lines) > HEADERS_LIMIT + 1:
        raise TooLarge(f"more than {HEADERS_LIMIT} headers")
    headers = []
    del lines[0]
    for line in lines:
        name, _, value = line.partition(": ")
        known = _KNOWN.get(name)
        if known is None:
            name, colon, value = line.partition(":")
            if not colon or not name or " " in name or "\t" in name:
                return _lenient(raw)
            known = name.lower()
        headers.append((known, value.strip(" \t")))
    return Head(int(status[2]), status[1], headers)


def looks_like_http(start: bytes) -> bool:
    """Whether an answer that begins so may become a head; anything else is refused before it is read on."""
    begin = start[: _SLOP_MOST + 5].lower()
    if b"http/" in begin or begin.startswith(b"icy "):
        return True
    return len(begin) < _SLOP_MOST + 5 and b"\n" not in begin


def _lenient(raw: bytes) -> Head:
    if b"\0" in raw:
        raise ProtocolBroken("a header with a NUL byte, which clients refuse")
    flaws: dict[Flaw, None] = {}
    if _CONTROL.search(raw):
        flaws[CONTROL] = None
    lines = raw.split(b"\n")
    if len(lines) > HEADERS_LIMIT + 1:
        raise TooLarge(f"more than {HEADERS_LIMIT} headers")
    if any(not line.endswith(b"\r") for line in lines[:-1]):
        flaws[LF_ONLY] = None
    if not lines[-1]:
        lines.pop()
    texts = [line.rstrip(b"\r").decode("latin-1") for line in lines]
    if any("\r" in text for text in texts) or any(line.endswith(b"\r\r") for line in lines):
        flaws[STRAY_CR] = None
    if len(raw) > _LINE_MOST and max(map(len, lines)) > _LINE_MOST:
        flaws[LONG] = None
    # An empty line alone is the end of a head that never began.
    code, version = _status(texts[0] if texts else "", flaws)
    return Head(code, version, _headers(texts[1:], flaws), tuple(flaws))


def _status(line: str, flaws: dict[Flaw, None]) -> tuple[int, str]:
    strict = _STATUS_LINE.match(line)
    if strict is not None:
        return int(strict[2]), strict[1]
    found = _LENIENT_STATUS_LINE.search(line[: _SLOP_MOST + 40])
    if found is None or found.start() > _SLOP_MOST:
        raise not_http(line.encode("latin-1"))
    if found.start():
        flaws[BYTES_BEFORE] = None
    version = found[1].partition("/")[2]
    read = _READ_VERSIONS.get(version)
    if read is None or "\t" in line[: found.end()]:
        flaws[ODD_VERSION] = None
    else:
        flaws[ODD_STATUS_LINE] = None
    return int(found[2]), read or "1.0"


def _headers(lines: list[str], flaws: dict[Flaw, None]) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (" ", "\t"):
            _fold(line.strip(" \t"), headers, flaws)
            continue
        name, colon, value = line.partition(":")
        if not colon:
            flaws[NO_COLON] = None
        elif not name:
            flaws[NO_NAME] = None
        else:
            if name[-1] in " \t":
                flaws[BLANK_BEFORE_COLON] = None
            elif " " in name or "\t" in name:
                flaws[BLANK_IN_NAME] = None
            headers.append((name.lower(), value.strip(" \t")))
    return headers


def _fold(line: str, headers: list[tuple[str, str]], flaws: dict[Flaw, None]) -> None:
    if not headers:
        flaws[FOLDED_FIRST] = None
        return
    name, value = headers[-1]
    flaws[FOLDED_LENGTH if name in ("content-length", "transfer-encoding") else FOLDED] = None
    headers[-1] = name, f"{value} {line}".strip()


def not_http(start: bytes) -> ProtocolBroken:
    """The failure of an answer that does not begin as HTTP does."""
    if (
        len(start) >= _FRAME_HEAD
        and start[0] == 0
        and start[3] in _FIRST_FRAMES
        and start[5:_FRAME_HEAD] == b"\0\0\0\0"
    ):
        return SpeaksHttp2(
            "it speaks HTTP/2 only, and without TLS clients do not ask so: offer HTTP/1.1 too, or TLS with ALPN h2"
        )
    if start[:1] in (b"\x15", b"\x16"):
        return ProtocolBroken("not HTTP: it speaks TLS on this port; write https://")
    return ProtocolBroken("not HTTP: the answer does not begin with a status line")

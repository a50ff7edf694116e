"""Framing of an HTTP body: where it ends, by length, by chunks or by the end of the connection. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from probes.net.failures import Failure, ProtocolBroken, TooLarge
from probes.net.http_messages import Flaw, Header

_LENGTH = re.compile(r"\+?([0-9]+)")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\Z", re.DOTALL)
_HEX = b"0123456789abcdefABCDEF"
#: More than any body: curl reads to the end of the connection then.
_LENGTH_MOST = 2**63 - 1
#: Longest line of a chunk's size with its extensions, and of all trailers together (bytes).
_LINE_MOST = 16_384
_TRAILERS_MOST = 65_536
#: What the next line of chunked framing is.
_SIZE_LINE, _DATA_END, _TRAILER = range(3)

LENGTH_AND_CHUNKS = Flaw("a length beside chunked framing")
LENGTH_TWICE = Flaw("the length of the body given twice")
LENGTH_ODD = Flaw("an odd Content-Length")
LENGTHS_DIFFER = Flaw("two lengths of the body that differ", disputed=True)
LENGTH_UNREADABLE = Flaw("a Content-Length that is no number", disputed=True)
TRANSFER_UNKNOWN = Flaw("an unknown Transfer-Encoding", disputed=True)
CHUNK_LF_ONLY = Flaw("chunks that end with a line feed only")
BODY_UNASKED = Flaw("bytes after the end of the answer")


class Ending(Enum):
    """What ends a body."""

    NOTHING = "there is no body"
    LENGTH = "its length"
    CHUNKS = "the last chunk"
    CLOSE = "the end of the connection"


def framing_of(code: int, method: str, headers: Sequence[Header]) -> tuple[Ending, int, list[Flaw]]:
    """What ends the body of an answer, its length where that does, and the flaws found."""
    lengths: list[str] = []
    transfer: list[str] = []
    for name, value in headers:
        if name == "content-length":
            lengths.append(value)
        elif name == "transfer-encoding":
            transfer += value.split(",")
    if method == "HEAD" or code in (204, 304):
        return Ending.NOTHING, 0, []
    flaws: list[Flaw] = []
    chunked = False
    for word in transfer:
        coding = word.strip(" \t").lower()
        if coding == "chunked":
            chunked = True
        elif coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            flaws.append(TRANSFER_UNKNOWN)
    if chunked:
        return Ending.CHUNKS, 0, [*flaws, LENGTH_AND_CHUNKS] if lengths else flaws
    length = _length(lengths, flaws) if lengths else None
    return (Ending.CLOSE, 0, flaws) if length is None else (Ending.LENGTH, length, flaws)


def _length(values: list[str], flaws: list[Flaw]) -> int | None:
    """The length as curl takes it: the last header counts, and of one header the first number."""
    only = values[0]
    if len(values) == 1 and only.isdigit() and only.isascii() and len(only) < 19:
        return int(only)
    words = [word.strip(" \t") for value in values for word in value.split(",")]
    if len(words) > 1:
        flaws.append(LENGTH_TWICE if len(set(words)) == 1 else LENGTHS_DIFFER)
    elif not only.isdigit():
        flaws.append(LENGTH_ODD)
    found = [_LENGTH.match(value) for value in values]
    last = found[-1]
    if last is None or None in found:
        flaws.append(LENGTH_UNREADABLE)
        return None
    number = int(last[1][:40])
    if number > _LENGTH_MOST:
        flaws.append(LENGTH_ODD)
        return None
    return number


class Chunks:
    """Reader of a chunked body. `done` after the last chunk and its trailers; `rest` is what came after that."""

    __slots__ = ("_line", "_room", "_stage", "_trailers", "done", "fault", "flaws", "rest")

    def __init__(self) -> None:
        self._stage = _SIZE_LINE
        self._line = b""
        self._room = self._trailers = 0
        self.done = False
        self.fault: Failure | None = None
        self.flaws: list[Flaw] = []
        self.rest = b""

    def feed(self, came: bytes) -> bytes:
        """The bytes of the body within the next bytes of the connection, up to the `fault` of the framing, if any."""
        body = bytearray()
        place, most = 0, len(came)
        while not self.done and place < most:
            if self._room:
                piece = came[place : place + self._room]
                body += piece
                self._room -= len(piece)
                place += len(piece)
                continue
            if self._stage == _SIZE_LINE and not self._line:
                # The whole chunk at once, as it nearly always stands there.
                end = came.find(b"\r\n", place, place + 10)
                size = came[place:end]
                if end > place and size.isalnum() and not size.strip(_HEX):
                    start = end + 2
                    stop = start + int(size, 16)
                    if stop > start and came.startswith(b"\r\n", stop):
                        body += came[start:stop]
                        place = stop + 2
                        continue
            try:
                place = self._feed_line(came, place)
            except Failure as fault:
                self.fault = fault
                break
        if self.done:
            self.rest = came[place:]
        return bytes(body)

    def _feed_line(self, came: bytes, place: int) -> int:
        """Take the next line of the framing, or keep its beginning; returns the place after it."""
        end = came.find(b"\n", place)
        if end < 0:
            self._line += came[place:]
            if len(self._line) > _LINE_MOST:
                raise TooLarge("a line of chunked framing without an end")
            if self._stage == _DATA_END and self._line != b"\r":
                raise ProtocolBroken("not HTTP: a chunk that is longer than its size")
            return len(came)
        line = self._line + came[place:end]
        self._line = b""
        if line.endswith(b"\r"):
            line = line[:-1]
        elif CHUNK_LF_ONLY not in self.flaws:
            self.flaws.append(CHUNK_LF_ONLY)
        self._take(line)
        return end + 1

    def _take(self, line: bytes) -> None:
        if self._stage == _SIZE_LINE:
            found = _SIZE.match(line)
            if found is None:
                raise ProtocolBroken("not HTTP: a chunk without a size")
            self._room = int(found[1], 16)
            self._stage = _DATA_END if self._room else _TRAILER
        elif self._stage == _DATA_END:
            if line:
                raise ProtocolBroken("not HTTP: a chunk that is longer than its size")
            self._stage = _SIZE_LINE
        else:
            self._trailers += len(line) + 2
            if self._trailers > _TRAILERS_MOST:
                raise TooLarge("trailers without end")
            self.done = not line

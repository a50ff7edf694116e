"""Lenient reader of one HTTP/1 answer, fed with the bytes of a connection as they come. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from probes.net.failures import ClosedEarly, TooLarge
from probes.net.http.framing import BODY_UNASKED, Chunks, Ending, framing_of
from probes.net.http.head import (
    BYTES_BEFORE,
    HEAD_CUT,
    HEAD_END_MOST,
    Head,
    head_end,
    looks_like_http,
    not_http,
    read_head,
)
from probes.net.http_messages import HEADER_BYTES_LIMIT, Flaw, Header, Request, Response

_INFORMATIONAL_LIMIT = 50
#: Bytes on the wire that chunked framing may take: a server may send every byte as a chunk of its own.
_FRAMING_SLACK, _FRAMING_FACTOR = 262_144, 8
#: Bodies of these types have no end; what comes first is what there is.
_STREAMS = ("text/event-stream", "multipart/x-mixed-replace")
_STREAMS_WITHOUT_LENGTH = ("audio/", "video/")


def is_endless(headers: Sequence[Header], without_length: bool) -> bool:
    """Whether a body has no end: by its type, or because audio and video come without a length."""
    kind = next((value.lower() for name, value in headers if name == "content-type"), "")
    return kind.startswith(_STREAMS) or (without_length and kind.startswith(_STREAMS_WITHOUT_LENGTH))


def _is_coded(head: Head) -> bool:
    return any(name == "content-encoding" and value.lower() != "identity" for name, value in head.headers)


class AnswerReader:
    """Reads the answer to a request. `complete` at its end, `endless` while a stream is read that has none.

    `keeps_open` when the connection may carry another request.
    """

    __slots__ = (
        "_body", "_chunks", "_closes", "_ending", "_enough", "_flaws", "_growth", "_informational", "_judged",
        "_length", "_limit", "_method", "_raw", "_sift", "_sifted", "_stream", "_truncated", "_wire_bytes",
        "_wire_most", "complete", "endless", "head", "keeps_open",
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        self._method, self._limit, self._enough = request.method, request.body_limit, request.enough
        self._growth, self._sift, self._sifted = request.growth, request.sift, 0
        self._wire_most = HEADER_BYTES_LIMIT + _FRAMING_SLACK + _FRAMING_FACTOR * self._limit
        if request.sift is not None:
            self._wire_most += request.sift.most
        self._closes = request.connection == "close"
        self.head: Head | None = None
        self.complete = self.endless = self.keeps_open = False
        self._chunks: Chunks | None = None
        self._flaws: list[Flaw] = []
        self._raw = b""
        self._body: bytes | bytearray = b""
        self._ending = Ending.NOTHING
        self._informational = self._length = self._judged = self._wire_bytes = 0
        self._truncated = self._stream = False

    @property
    def started(self) -> bool:
        return self._wire_bytes > 0

    def feed(self, came: bytes) -> None:
        """Take the next bytes; raises ProtocolBroken and TooLarge."""
        self._wire_bytes += len(came)
        if self.head is None:
            rest = self._read_head(came)
            if rest is None:
                return
            came = rest
            if self._ending is Ending.LENGTH and len(came) == self._length <= self._limit:
                # All in one piece, as most answers come.
                self._body, self.complete, self.keeps_open = came, True, self._kept_open()
                return
        self._read_body(came)
        if self._wire_bytes > self._wire_most and not self.complete:
            raise TooLarge("framing far larger than the body it carries")

    def close(self) -> None:
        """The connection has ended: that is the end of the answer, or raises ClosedEarly."""
        if self.head is None and b"\n" in self._raw:
            # As curl does; the last line may be cut and does not count.
            found = read_head(self._raw[: self._raw.rindex(b"\n")].removesuffix(b"\r"))
            if found.code >= 200:
                self.head, self.complete = found, True
                self._flaws += (*found.flaws, HEAD_CUT)
                return
        elif self.head is not None and self._ending is Ending.CLOSE:
            self.complete = True
            return
        if self.head is None and self._raw and not b"http/".startswith(self._raw[:5].lower()):
            raise not_http(self._raw)
        raise ClosedEarly(f"closed {'in the middle of the' if self._wire_bytes else 'without an'} answer")

    @property
    def body_so_far(self) -> bytes | bytearray:
        """The body as far as it was read, without a copy: it grows."""
        return self._body

    def body_since(self, place: int) -> bytes:
        """The body from this place on, as far as it was read."""
        return bytes(self._body[place:])

    def answer(self, fault: Exception | None = None) -> Response:
        """The answer as far as it was read."""
        assert self.head is not None
        head = self.head
        flaws = tuple(dict.fromkeys(self._flaws)) if self._flaws else ()
        # The body of a stream goes on after what was read of it.
        truncated = self._truncated or self.endless
        return Response(
            head.code, head.version, tuple(head.headers), bytes(self._body), truncated, None, "", fault, flaws,
            self.endless,
        )  # fmt: skip

    # The head ---------------------------------------------------------------------------------------------------

    def _read_head(self, came: bytes) -> bytes | None:
        """Read the head once it is complete; returns what comes after it, and None before that."""
        searched = max(0, len(self._raw) - HEAD_END_MOST)
        raw = self._raw + came if self._raw else came
        while True:
            if raw[:1] in (b"\r", b"\n"):
                raw, searched = raw.lstrip(b"\r\n"), 0
                self._flaws.append(BYTES_BEFORE)
            end, after = head_end(raw, searched)
            if end < 0:
                self._raw = raw
                if len(raw) > HEADER_BYTES_LIMIT:
                    raise TooLarge(f"headers of more than {HEADER_BYTES_LIMIT // 1024} KiB")
                if raw and not looks_like_http(raw):
                    raise not_http(raw)
                return None
            if end > HEADER_BYTES_LIMIT:
                raise TooLarge(f"headers of more than {HEADER_BYTES_LIMIT // 1024} KiB")
            found = read_head(raw[:end])
            raw, searched = raw[after:], 0
            if found.code >= 200 or found.code == 101:
                self._begin_body(found)
                return raw
            self._informational += 1
            if self._informational > _INFORMATIONAL_LIMIT:
                raise TooLarge("informational answers without end")

    def _begin_body(self, found: Head) -> None:
        self.head, self._raw = found, b""
        if found.flaws:
            self._flaws += found.flaws
        self._ending, self._length, flaws = framing_of(found.code, self._method, found.headers)
        if flaws:
            self._flaws += flaws
        if self._ending is Ending.CHUNKS:
            self._chunks = Chunks()
        if found.code == 101:
            # What follows is another protocol.
            self._ending = Ending.NOTHING
        none = self._ending is Ending.NOTHING or (self._ending is Ending.LENGTH and not self._length)
        self._truncated = not self._limit and not none

    # The body ---------------------------------------------------------------------------------------------------

    def _read_body(self, came: bytes) -> None:
        body, rest, ended = self._framed(came)
        if body:
            room = self._limit - len(self._body)
            if len(body) > room:
                body = self._fitting(body, room)
            if not self._body:
                self._body = body
            else:
                # A thousand tiny pieces must not be a thousand objects.
                if isinstance(self._body, bytes):
                    self._body = bytearray(self._body)
                self._body += body
        if self._chunks is not None and self._chunks.fault is not None and not self._truncated:
            raise self._chunks.fault
        if ended:
            if rest and self._ending is not Ending.NOTHING:
                self._flaws.append(BODY_UNASKED)
            self.complete = True
            self.keeps_open = not rest and not self._truncated and self._kept_open()
        elif self._truncated:
            self.complete = True
        elif self._stream or is_endless(self.head.headers if self.head else (), self._ending is not Ending.LENGTH):
            self._stream = True
            self._read_stream()

    def _fitting(self, body: bytes, room: int) -> bytes:
        """What is kept of bytes for which there is no room: the first of them, or what a sift leaves."""
        sift = self._sift
        if sift is not None and self._wire_bytes <= sift.most and self.head is not None and not _is_coded(self.head):
            # What was sifted before is not looked at again.
            left = sift.keep(bytes(self._body[self._sifted :]) + body)
            if len(left) <= self._limit - self._sifted:
                self._body = bytearray(self._body[: self._sifted])
                self._sifted += left.rfind(b"\n") + 1
                return left
        self._truncated = True
        return body[:room]

    def _framed(self, came: bytes) -> tuple[bytes, bytes, bool]:
        """The part of some bytes that is body, what comes after the body, and whether it has ended."""
        if self._ending is Ending.LENGTH:
            length = self._length
            if len(came) > length:
                self._length = 0
                return came[:length], came[length:], True
            self._length = length - len(came)
            return came, b"", not self._length
        if self._chunks is None:
            return (came, b"", False) if self._ending is Ending.CLOSE else (b"", came, True)
        body = self._chunks.feed(came)
        if self._chunks.flaws:
            self._flaws += self._chunks.flaws
        return body, self._chunks.rest, self._chunks.done

    def _kept_open(self) -> bool:
        """Whether the connection carries another request; one with a flaw of form is not trusted with it."""
        assert self.head is not None
        if self._closes or self._flaws or self.head.code == 101 or self._method == "HEAD":
            return False
        said = next((value.lower() for name, value in self.head.headers if name == "connection"), "")
        return "close" not in said if self.head.version == "1.1" else "keep-alive" in said

    def _read_stream(self) -> None:
        self.endless = True
        if self._enough is None:
            self.complete = True
        elif len(self._body) > self._judged:
            self._judged = int(len(self._body) * self._growth)
            # No copy: one for each small piece would cost more than all else.
            self.complete = self._enough(self._body)

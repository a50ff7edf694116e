"""The bytes of one HTTP/1.1 exchange on one connection, with every size bounded.

A protocol of our own rather than streams: most checks are one write and one read, and cost a future and a parser.
"""

from __future__ import annotations

import asyncio
import zlib

import httptools

from probes.net import certificates
from probes.net.failures import ClosedEarly, ProtocolBroken, TooLarge
from probes.net.http_messages import HEADER_BYTES_LIMIT, HEADERS_LIMIT, Request, Response, decompressed, head_of
from probes.net.tls_protocol import TlsProtocol
from probes.net.trace import Trace

_INFORMATIONAL_LIMIT = 10
#: Bytes on the wire beyond the body itself that framing and compression may cost before we stop reading.
_FRAMING_SLACK = 262_144


class HttpConnection(TlsProtocol):
    """The bytes of one exchange: the request out, then the answer into `answer`."""

    __slots__ = (
        "_body", "_chunked", "_header_bytes", "_headers", "_headers_done",
        "_informational", "_length", "_parser", "_request", "_truncated", "_wire_bytes", "answer",
    )  # fmt: skip

    def __init__(self, request: Request, trace: Trace, answer: asyncio.Future[Response]) -> None:
        target = request.target
        super().__init__(trace, request.tls if target.secure else None, request.server_name or target.host)
        self.answer = answer
        self._request = request
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[str, str]] = []
        self._body: bytes | bytearray = b""
        self._header_bytes = self._wire_bytes = self._informational = 0
        self._headers_done = self._truncated = self._chunked = False
        self._length = False

    def close(self) -> None:
        """Drop the connection, whatever its state. A later `connection_lost` finds nothing to do."""
        self.abort()
        if not self.answer.done():
            self.answer.cancel()
        # The parser refers back to this object: left alone, both would keep the TLS buffers until the next collection.
        del self._parser

    def listening(self) -> bool:
        return not self.answer.done()

    def opened(self) -> None:
        self._trace.begin("first_byte")
        self.send(head_of(self._request) + self._request.body)

    # The answer -------------------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        if not self._wire_bytes:
            self._trace.answered()
        self._wire_bytes += len(data)
        try:
            if not self._headers_done:
                room = HEADER_BYTES_LIMIT - self._header_bytes
                head, data = data[:room], data[room:]
                self._header_bytes += len(head)
                self._parser.feed_data(head)
                if data and not self._headers_done and not self.answer.done():
                    self.failed(TooLarge(f"headers of more than {HEADER_BYTES_LIMIT // 1024} KiB"))
            if data and not self.answer.done():
                self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._succeed(self._parser.get_status_code())
        except httptools.HttpParserError as error:
            self.failed(_parser_failure(error))
        if self._wire_bytes > self._request.body_limit + HEADER_BYTES_LIMIT + _FRAMING_SLACK:
            self.failed(TooLarge("framing far larger than the body it carries"))

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self._headers) >= HEADERS_LIMIT:
            raise TooLarge(f"more than {HEADERS_LIMIT} headers")
        key = name.decode("latin-1").lower()
        if key == "content-length":
            self._length = True
        elif key == "transfer-encoding":
            self._chunked = True
        self._headers.append((key, value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        code = self._parser.get_status_code()
        if 100 <= code < 200 and code != 101:
            return
        self._headers_done = True
        if self._request.method == "HEAD":
            self._succeed(code)

    def on_body(self, body: bytes) -> None:
        if self.answer.done():
            return
        room = self._request.body_limit - len(self._body)
        if not self._body:
            self._body = body[:room]
        else:
            # Most answers come in one piece; a thousand tiny ones must not be a thousand objects.
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body[:room]
        if len(body) > room:
            self._truncated = True
            self._succeed(self._parser.get_status_code())

    def on_message_complete(self) -> None:
        code = self._parser.get_status_code()
        if 100 <= code < 200 and code != 101:
            self._informational += 1
            if self._informational > _INFORMATIONAL_LIMIT:
                raise TooLarge("informational answers without end")
            self._headers.clear()
            return
        self._succeed(code)

    def ended(self) -> None:
        """The end of a body without a length, and a failure anywhere else."""
        if self.answer.done():
            return
        if self._headers_done and not self._length and not self._chunked:
            self._succeed(self._parser.get_status_code())
        elif self._wire_bytes:
            self.failed(ClosedEarly("closed in the middle of the answer"))
        else:
            self.failed(ClosedEarly("closed without an answer"))

    def failed(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def _succeed(self, code: int) -> None:
        if self.answer.done():
            return
        body = bytes(self._body)
        try:
            body, cut = decompressed(body, self._headers, self._request.body_limit)
        except zlib.error:
            self.failed(ProtocolBroken("a body that does not decompress"))
            return
        certificate, version = None, ""
        if self.tls is not None:
            der = self.tls.getpeercert(binary_form=True)
            certificate = certificates.read(der) if der else None
            version = self.tls.version() or ""
        http = self._parser.get_http_version()
        self.answer.set_result(
            Response(code, http, tuple(self._headers), body, self._truncated or cut, certificate, version)
        )


def _parser_failure(error: httptools.HttpParserError) -> Exception:
    # httptools wraps what a callback raised; ours says more than its wrapper.
    cause = error.__context__
    if isinstance(cause, TooLarge):
        return cause
    return ProtocolBroken(f"not HTTP: {str(error)[:100]}")

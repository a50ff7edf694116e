"""The bytes of one HTTP/1.1 exchange on one connection, with every size bounded.

A protocol of our own rather than streams: most checks are one write and one read, and cost a future and a parser.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from typing import cast

import httptools

from probes import certificates
from probes.failures import ClosedEarly, HandshakeCut, ProtocolBroken, TooLarge
from probes.messages import HEADER_BYTES_LIMIT, HEADERS_LIMIT, Answer, Request, decompressed, head_of
from probes.trace import Trace

_INFORMATIONAL_LIMIT = 10
#: Bytes on the wire beyond the body itself that framing and compression may cost before we stop reading.
_FRAMING_SLACK = 262_144


class HttpConnection(asyncio.Protocol):
    """The bytes of one exchange: TLS when asked for, then the request, then the answer into `answer`."""

    __slots__ = (
        "_body", "_body_bytes", "_chunked", "_handshake_only", "_header_bytes", "_headers",
        "_headers_done", "_incoming", "_informational", "_length", "_outgoing", "_parser", "_request",
        "_secured", "_tls", "_trace", "_transport", "_truncated", "_wire_bytes", "answer",
    )  # fmt: skip

    def __init__(
        self, request: Request, trace: Trace, answer: asyncio.Future[Answer], handshake_only: bool = False
    ) -> None:
        self.answer = answer
        self._request = request
        self._trace = trace
        self._handshake_only = handshake_only
        self._transport: asyncio.Transport | None = None
        self._tls: ssl.SSLObject | None = None
        if request.target.secure:
            self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = certificates.context(request.verify).wrap_bio(
                self._incoming, self._outgoing, server_hostname=request.target.host
            )
        self._secured = not request.target.secure
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._header_bytes = self._body_bytes = self._wire_bytes = self._informational = 0
        self._headers_done = self._truncated = self._chunked = False
        self._length = False

    def close(self) -> None:
        """Drop the connection, whatever its state. A later `connection_lost` finds nothing to do."""
        if self._transport is not None:
            self._transport.abort()
        if not self.answer.done():
            self.answer.cancel()

    # Bytes ------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not declared as asyncio's, and behave as such.
        self._transport = cast(asyncio.Transport, transport)
        self._trace.connected()
        try:
            if self._tls is not None:
                self._trace.begin("tls")
                self._shake_hands()
            else:
                self._send_request()
        except Exception as error:  # noqa: BLE001 - the loop would only log it, and the check hang to its deadline
            self._fail(error)

    def data_received(self, data: bytes) -> None:
        if self.answer.done():
            return
        if self._tls is None:
            self._feed(data)
            return
        self._incoming.write(data)
        if not self._secured:
            self._shake_hands()
        if self._secured and not self.answer.done():
            self._decrypt()

    def eof_received(self) -> bool:
        self._ended()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if error is not None:
            self._fail(error)
        else:
            self._ended()

    def _shake_hands(self) -> None:
        assert self._tls is not None
        assert self._transport is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._transport.write(self._outgoing.read())
            return
        except ssl.SSLError as error:
            self._transport.write(self._outgoing.read())
            self._fail(error)
            return
        self._secured = True
        self._trace.secured()
        if self._handshake_only:
            self._succeed(0)
        else:
            self._send_request()

    def _send_request(self) -> None:
        assert self._transport is not None
        payload = head_of(self._request) + self._request.body
        if self._tls is not None:
            self._tls.write(payload)
            payload = self._outgoing.read()
        self._trace.begin("first_byte")
        self._transport.write(payload)

    def _decrypt(self) -> None:
        assert self._tls is not None
        try:
            while not self.answer.done():
                plain = self._tls.read(65_536)
                if not plain:
                    self._ended()
                    return
                self._feed(plain)
        except ssl.SSLWantReadError:
            return
        except ssl.SSLZeroReturnError:
            self._ended()
        except ssl.SSLError as error:
            self._fail(error)

    # The answer -------------------------------------------------------------------------------------------------

    def _feed(self, data: bytes) -> None:
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
                    self._fail(TooLarge(f"headers of more than {HEADER_BYTES_LIMIT // 1024} KiB"))
            if data and not self.answer.done():
                self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._succeed(self._parser.get_status_code())
        except httptools.HttpParserError as error:
            self._fail(_parser_failure(error))
        if self._wire_bytes > self._request.body_limit + HEADER_BYTES_LIMIT + _FRAMING_SLACK:
            self._fail(TooLarge("framing far larger than the body it carries"))

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
        room = self._request.body_limit - self._body_bytes
        self._body.append(body[:room])
        self._body_bytes += min(len(body), room)
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

    def _ended(self) -> None:
        """The other side closed: the end of a body without a length, and a failure anywhere else."""
        if self.answer.done():
            return
        if not self._secured:
            self._fail(HandshakeCut("closed during the TLS handshake"))
        elif self._headers_done and not self._length and not self._chunked:
            self._succeed(self._parser.get_status_code())
        elif self._wire_bytes:
            self._fail(ClosedEarly("closed in the middle of the answer"))
        else:
            self._fail(ClosedEarly("closed without an answer"))

    def _fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def _succeed(self, code: int) -> None:
        if self.answer.done():
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        try:
            body, cut = decompressed(body, self._headers, self._request.body_limit)
        except zlib.error:
            self._fail(ProtocolBroken("a body that does not decompress"))
            return
        certificate, version = None, ""
        if self._tls is not None:
            der = self._tls.getpeercert(binary_form=True)
            certificate = certificates.read(der) if der else None
            version = self._tls.version() or ""
        http = self._parser.get_http_version() if code else ""
        self.answer.set_result(
            Answer(code, http, tuple(self._headers), body, self._truncated or cut, certificate, version)
        )


def _parser_failure(error: httptools.HttpParserError) -> Exception:
    # httptools wraps what a callback raised; ours says more than its wrapper.
    cause = error.__context__
    if isinstance(cause, TooLarge):
        return cause
    return ProtocolBroken(f"not HTTP: {str(error)[:100]}")

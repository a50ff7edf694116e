"""HTTP/1.1 client protocol: requests over one connection and their answers, with every size bounded.

It is an asyncio protocol and not streams: a typical check is one write and one read, and costs a future and a parser.
Probers use a connection for one exchange; the connection pool of alerts uses one for many.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from dataclasses import replace

import httptools

from probes.net import certificates
from probes.net.dialer import Dialer, dial
from probes.net.failures import ClosedEarly, ProtocolBroken, TooLarge
from probes.net.http_messages import HEADER_BYTES_LIMIT, HEADERS_LIMIT, Request, Response, decompressed, head_of
from probes.net.stream import Endpoint, UnverifiedCertificate, unverified
from probes.net.tls_protocol import TlsProtocol
from probes.net.trace import Trace

_INFORMATIONAL_LIMIT = 10
#: Bytes on the wire beyond head and body that chunked framing may take before we stop reading.
_FRAMING_SLACK = 262_144


async def exchange(request: Request, dialer: Dialer, trace: Trace) -> Response:
    """Send a request over a connection of its own and return the answer; the deadline is the caller's.

    Raises what `probes.net.failures.explain` knows: OSError and its kin, ssl.SSLError, Blocked, ClosedEarly, ...
    """
    target = request.target
    connection = HttpConnection(request, trace)
    try:
        await dial(dialer, target.host, target.port, lambda: connection, trace)
        response = await connection.answer
    except ssl.SSLCertVerificationError as error:
        endpoint = Endpoint(target.host, target.port, request.tls, request.server_name)
        raise UnverifiedCertificate(error, await unverified(dialer, endpoint, trace)) from error
    finally:
        connection.close()
    if response.fault is not None:
        raise response.fault
    return _unpacked(response, request.body_limit, connection.tls)


def _unpacked(response: Response, body_limit: int, tls: ssl.SSLObject | None) -> Response:
    """The answer with its body decompressed, and with what TLS says of the server."""
    try:
        body, cut = decompressed(response.body, response.headers, body_limit)
    except zlib.error:
        raise ProtocolBroken("a body that does not decompress") from None
    if tls is None and body is response.body:
        return response
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    return replace(
        response,
        body=body,
        truncated=response.truncated or cut,
        certificate=certificates.read(der) if der else None,
        tls=tls.version() or "" if tls is not None else "",
    )


class HttpConnection(TlsProtocol):
    """One connection of a client. Requests go out one at a time; `answer` is that to the latest.

    `reusable` while the latest answer is complete, both sides keep the connection, and nothing came after it.
    `started` once any byte of the answer has come.
    """

    __slots__ = (
        "_body", "_chunked", "_code", "_header_bytes", "_headers", "_headers_done", "_informational", "_length",
        "_open", "_parser", "_request", "_truncated", "_wire_bytes", "answer", "reusable",
    )  # fmt: skip

    def __init__(self, request: Request, trace: Trace) -> None:
        target = request.target
        super().__init__(trace, request.tls if target.secure else None, request.server_name or target.host)
        self._open = False
        self.ask(request)

    def ask(self, request: Request) -> asyncio.Future[Response]:
        """Send a request, at once or when the connection is open; only after the answer to the one before."""
        self._request = request
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[str, str]] = []
        self._body: bytes | bytearray = b""
        self._header_bytes = self._wire_bytes = self._informational = 0
        self._headers_done = self._truncated = self._chunked = self._length = self.reusable = False
        self.answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        if self._open:
            self._send_request()
        return self.answer

    @property
    def started(self) -> bool:
        return self._wire_bytes > 0

    def close(self) -> None:
        """Drop the connection, whatever its state. A later `connection_lost` finds nothing to do."""
        self.reusable = False
        self.abort()
        if not self.answer.done():
            self.answer.cancel()
        # The parser refers back to this object: the cycle would keep the TLS buffers until the next garbage collection.
        del self._parser

    def listening(self) -> bool:
        return self._transport is not None

    def opened(self) -> None:
        self._open = True
        self._send_request()

    def _send_request(self) -> None:
        self._trace.begin("first_byte")
        self.send(head_of(self._request) + self._request.body)

    # The answer -------------------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        if self.answer.done():
            # Not asked for: the next answer must not be read from it.
            self.reusable = False
            self.abort()
            return
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
            self._finish()
            self.reusable = False
        except httptools.HttpParserError as error:
            self.failed(_parser_failure(error))
        if self._wire_bytes > self._request.body_limit + HEADER_BYTES_LIMIT + _FRAMING_SLACK:
            self.failed(TooLarge("framing far larger than the body it carries"))

    def on_message_begin(self) -> None:
        if self.answer.done():
            self.reusable = False

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
        self._code = self._parser.get_status_code()
        if 100 <= self._code < 200 and self._code != 101:
            return
        self._headers_done = True
        if self._request.method == "HEAD":
            self._finish()

    def on_body(self, body: bytes) -> None:
        if self.answer.done():
            return
        room = self._request.body_limit - len(self._body)
        if not self._body:
            self._body = body[:room]
        else:
            # Most bodies come in one piece; a thousand tiny pieces must not be a thousand objects.
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body[:room]
        if len(body) > room:
            self._truncated = True
            self._finish()

    def on_message_complete(self) -> None:
        if self.answer.done():
            return
        if not self._headers_done:
            self._informational += 1
            if self._informational > _INFORMATIONAL_LIMIT:
                raise TooLarge("informational answers without end")
            self._headers.clear()
            return
        self.reusable = self._parser.should_keep_alive()
        self._finish()

    def ended(self) -> None:
        """The end of a body without a length, and a failure anywhere else."""
        self.reusable = False
        if self.answer.done():
            return
        if self._headers_done and not self._length and not self._chunked:
            self._finish()
        else:
            self.failed(ClosedEarly(f"closed {'in the middle of the' if self._wire_bytes else 'without an'} answer"))

    def failed(self, error: Exception) -> None:
        """The end of the answer: without it before the headers are complete, and with its fault after them."""
        self.reusable = False
        if self._headers_done:
            self._finish(error)
        elif not self.answer.done():
            self.answer.set_exception(error)

    def _finish(self, fault: Exception | None = None) -> None:
        if self.answer.done():
            return
        version = self._parser.get_http_version()
        self.answer.set_result(
            Response(self._code, version, tuple(self._headers), bytes(self._body), self._truncated, None, "", fault)
        )


def _parser_failure(error: httptools.HttpParserError) -> Exception:
    # httptools wraps what a callback raised; the original says more.
    cause = error.__context__
    if isinstance(cause, TooLarge):
        return cause
    return ProtocolBroken(f"not HTTP: {str(error)[:100]}")

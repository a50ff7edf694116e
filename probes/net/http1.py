"""HTTP/1.1 client protocol: requests over one connection and their answers, with every size bounded.

It is an asyncio protocol and not streams: a typical check is one write and one read, and costs a future and a reader.
Probers use a connection for one exchange; the connection pool of alerts uses one for many.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace

from probes.net.dialer import Dialer, dial
from probes.net.failures import ClosedEarly, Failure
from probes.net.http import http2
from probes.net.http.coding import decoded
from probes.net.http.head import SpeaksHttp2
from probes.net.http.reader import AnswerReader
from probes.net.http_messages import Request, Response, head_of
from probes.net.stream import Endpoint, UnverifiedCertificate, unverified
from probes.net.tls import certificates
from probes.net.tls.options import HTTP_ALPN
from probes.net.tls.protocol import TlsProtocol
from probes.net.trace import Trace

#: Codes of a server that wants another protocol: Node, RFC 9110, a load balancer of AWS, and an unknown version.
_NEWER_WANTED = frozenset({403, 426, 464, 505})


async def exchange(request: Request, dialer: Dialer, trace: Trace) -> Response:
    """Send a request over a connection of its own and return the answer; the deadline is the caller's.

    Raises what `probes.net.failures.explain` knows: OSError and its kin, ssl.SSLError, Blocked, ClosedEarly, ...
    """
    target = request.target
    connection = HttpConnection(request, trace)
    try:
        await dial(dialer, target.host, target.port, lambda: connection, trace)
        response = await connection.answer
    except (ClosedEarly, SpeaksHttp2, ssl.SSLError) as error:
        if isinstance(error, ssl.SSLCertVerificationError):
            raise await unverified_certificate(error, request, dialer, trace) from error
        if not _may_speak_http2(error, connection):
            raise
        return await _by_http2(error, request, dialer, trace)
    finally:
        connection.close()
    if response.fault is not None:
        raise response.fault
    answer = unpacked(response, request, connection.tls)
    if answer.code in _NEWER_WANTED and connection.tls is not None and _wants_http2(answer, connection):
        return await _by_http2(answer, request, dialer, trace)
    return answer


async def unverified_certificate(
    error: ssl.SSLCertVerificationError, request: Request, dialer: Dialer, trace: Trace
) -> UnverifiedCertificate:
    """The failure of a certificate, with what the server sent."""
    target = request.target
    endpoint = Endpoint(target.host, target.port, request.tls, request.server_name)
    presented = await unverified(dialer, endpoint, trace)
    return UnverifiedCertificate(error, presented, request.server_name or target.host)


def _may_speak_http2(error: Exception, connection: HttpConnection) -> bool:
    """Whether a server that refused HTTP/1.1 may speak HTTP/2: over TLS, where HTTP/1.1 was not agreed on."""
    if connection.tls is None:
        return False
    if isinstance(error, ssl.SSLError):
        # OpenSSL 3.0 has words for this alert, and no name.
        return "no application protocol" in str(error).lower().replace("_", " ")
    return isinstance(error, SpeaksHttp2) or (not connection.started and not connection.agreed_on_http1)


def _wants_http2(answer: Response, connection: HttpConnection) -> bool:
    """Whether a refusal is one of HTTP/1.1; of a 403 only Node's words say so."""
    return not connection.agreed_on_http1 and (answer.code != 403 or b"ALPN Protocol" in answer.body)


async def _by_http2(before: Exception | Response, request: Request, dialer: Dialer, trace: Trace) -> Response:
    """The answer by HTTP/2; what came before stands where the server does not agree to that either."""
    try:
        response, tls = await http2.exchange(request, dialer, trace)
    except (http2.NoHttp2, ssl.SSLError, OSError, Failure):
        if isinstance(before, Response):
            return before
        raise before from None
    return unpacked(response, request, tls)


def unpacked(response: Response, request: Request, tls: ssl.SSLObject | None) -> Response:
    """The answer with its body decoded, and with what TLS says of the server."""
    plain = decoded(response.body, response.headers, request.body_limit, response.truncated)
    if tls is None and plain.body is response.body and not plain.undecoded and not plain.flaws:
        return response
    path = certificates.path(tls) if tls is not None else []
    return replace(
        response,
        body=plain.body,
        truncated=response.truncated or plain.cut,
        flaws=(*response.flaws, *plain.flaws),
        undecoded=plain.undecoded,
        certificate=path[0] if path else None,
        soonest=certificates.soonest(path),
        tls=tls.version() or "" if tls is not None else "",
    )


class HttpConnection(TlsProtocol):
    """One connection of a client. Requests go out one at a time; `answer` is that to the latest.

    `reusable` while the latest answer is complete, both sides keep the connection, and nothing came after it.
    `started` once any byte of the answer has come.
    """

    __slots__ = ("_open", "_reader", "_request", "_stream_end", "answer", "reusable")

    def __init__(self, request: Request, trace: Trace) -> None:
        target = request.target
        super().__init__(trace, request.tls if target.secure else None, request.server_name or target.host)
        self._open = False
        self._stream_end: asyncio.TimerHandle | None = None
        self.ask(request)

    def ask(self, request: Request) -> asyncio.Future[Response]:
        """Send a request, at once or when the connection is open; only after the answer to the one before."""
        self._request = request
        self._reader = AnswerReader(request)
        self.reusable = False
        self.answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        if self._open:
            self._send_request()
        return self.answer

    @property
    def started(self) -> bool:
        return self._reader.started

    @property
    def agreed_on_http1(self) -> bool:
        """Whether the server chose HTTP/1.1 in its handshake."""
        return self._open and self.tls is not None and self.tls.selected_alpn_protocol() == HTTP_ALPN

    def close(self) -> None:
        """Drop the connection, whatever its state. A later `connection_lost` finds nothing to do."""
        self.reusable = False
        self.abort()
        if self._stream_end is not None:
            self._stream_end.cancel()
        if not self.answer.done():
            self.answer.cancel()

    def listening(self) -> bool:
        return self._transport is not None

    def opened(self) -> None:
        self._open = True
        self._send_request()

    def _send_request(self) -> None:
        self._trace.begin("first_byte")
        self.send(head_of(self._request) + self._request.body)

    def received(self, data: bytes) -> None:
        if self.answer.done():
            # Not asked for: the next answer must not be read from it.
            self.reusable = False
            self.abort()
            return
        reader = self._reader
        if not reader.started:
            self._trace.answered()
        try:
            reader.feed(data)
        except Failure as error:
            self.failed(error)
            return
        if reader.complete:
            self.reusable = reader.keeps_open
            self._finish()
        elif reader.endless and self._stream_end is None:
            self._stream_end = asyncio.get_running_loop().call_later(self._request.stream_s, self._finish)

    def ended(self) -> None:
        """The end of a body without a length, and a failure anywhere else."""
        self.reusable = False
        if self.answer.done():
            return
        try:
            self._reader.close()
        except Failure as error:
            self.failed(error)
        else:
            self._finish()

    def failed(self, error: Exception) -> None:
        """The end of the answer: without it before the headers are complete, and with its fault after them."""
        self.reusable = False
        if self._reader.head is not None:
            self._finish(error)
        elif not self.answer.done():
            self.answer.set_exception(error)

    def _finish(self, fault: Exception | None = None) -> None:
        if not self.answer.done():
            self.answer.set_result(self._reader.answer(fault))

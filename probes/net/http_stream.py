"""HTTP/1.1 request whose answer is handed on piece by piece, each with its time, instead of being collected.

There is no way round by HTTP/2 here: a second request would be billed as well.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from time import perf_counter

from probes.net.dialer import Dialer, dial
from probes.net.failures import Failure
from probes.net.http1 import HttpConnection, unverified_certificate
from probes.net.http_messages import Request, Response
from probes.net.trace import Trace

_OK = 200
#: Takes the next bytes of the body and their time (s, of `perf_counter`); true once it has enough.
Sink = Callable[[bytes, float], bool]


class StreamedExchange(HttpConnection):
    """One request and its streamed answer. Use `run` once.

    `sent_s` is when the request was sent, `headers_s` when the head of the answer had come; None before that. The body
    of any other answer than 200 is not handed on: it stands in the response.
    """

    __slots__ = ("_handed", "_sink", "headers_s", "sent_s")

    def __init__(self, request: Request, trace: Trace, sink: Sink) -> None:
        self._sink = sink
        self._handed = 0
        self.sent_s: float | None = None
        self.headers_s: float | None = None
        super().__init__(request, trace)

    async def run(self, dialer: Dialer) -> Response:
        """The answer once the body has ended or the sink has enough; `fault` is what ended it early.

        Raises what `probes.net.failures.explain` knows; the deadline is the caller's.
        """
        target = self._request.target
        try:
            await dial(dialer, target.host, target.port, lambda: self, self._trace)
            return await self.answer
        except ssl.SSLCertVerificationError as error:
            raise await unverified_certificate(error, self._request, dialer, self._trace) from error
        finally:
            self.close()

    def _send_request(self) -> None:
        self.sent_s = perf_counter()
        super()._send_request()

    def received(self, data: bytes) -> None:
        if self.answer.done():
            self.abort()
            return
        if not self._reader.started:
            self._trace.answered()
        try:
            try:
                self._reader.feed(data)
            finally:
                enough = self._hand_on(perf_counter())
        except Failure as error:
            self.failed(error)
            return
        if self._reader.complete or enough:
            self._finish()

    def _hand_on(self, at_s: float) -> bool:
        head = self._reader.head
        if head is None:
            return False
        if self.headers_s is None:
            self.headers_s = at_s
        if head.code != _OK:
            return False
        came = self._reader.body_since(self._handed)
        self._handed += len(came)
        return bool(came) and self._sink(came, at_s)

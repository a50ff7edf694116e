"""Connection of a client that pings: reads requests, answers them in their order, and bounds what it may send."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import httptools

from vigil.client_address import client_address
from vigil.heartbeats.core.pings.reply import PingOutcome, on_wire
from vigil.heartbeats.core.pings.wire import BODY_LIMIT, Method
from vigil.heartbeats.core.pings.word_search import WordSearch
from vigil.heartbeats.receiving import limits
from vigil.heartbeats.receiving.receiver import PingRequest

if TYPE_CHECKING:
    from vigil.heartbeats.receiving.http_server import PingServer

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_METHODS = {method.value.encode(): method for method in (Method.GET, Method.HEAD, Method.POST)}
#: Uploads, such as those of `curl -T`.
_METHODS |= {b"PUT": Method.POST, b"PATCH": Method.POST}
_HEALTH = "/healthz"


@lru_cache(maxsize=64)
def _common(outcome: PingOutcome, head: bool, close: bool) -> bytes:
    return on_wire(outcome, head=head, close=close)


class _Waiting:
    """A request without its answer; answers go out in the order of requests."""

    __slots__ = ("answer", "close")

    def __init__(self, close: bool) -> None:
        self.answer: bytes | None = None
        self.close = close


class PingConnection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: PingServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[_Waiting] = deque()
        #: Bytes read since the last piece of a body.
        self._unread = 0
        self._refused = self._chokes = False
        #: Whether the head of a request is complete, and its body is not.
        self._has_head = False
        self._begun_s = self._rested_s = self._active_s = 0.0
        self._size = 0
        self._body = bytearray()

    # asyncio callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = self._transport.get_extra_info("peername")
        self._origin = str(peer[0]) if peer else ""
        self._rested_s = self._server.now()
        self._server.admit(self, self._origin)

    def connection_lost(self, error: Exception | None) -> None:
        self._keep_failure()
        self._server.forget(self)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._active_s = self._server.now()
        self._unread += len(data)
        if self._unread > limits.MAX_HEAD + limits.READ_AT_ONCE:
            self.refuse(PingOutcome.HEADERS_TOO_LARGE)
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # A request to upgrade the protocol is answered in HTTP/1.1.
            self.close_when_answered()
        except (httptools.HttpParserError, UnicodeDecodeError):
            # Bytes after the last request of a connection are ignored.
            if not (self._waiting and self._waiting[-1].close):
                self.refuse(PingOutcome.UNREADABLE)
        if len(self._waiting) > limits.MAX_PIPELINED:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        # A client that does not read its answers is not read either, until its deadline.
        self._chokes = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._chokes = False
        if len(self._waiting) <= limits.MAX_PIPELINED:
            self._transport.resume_reading()

    def eof_received(self) -> bool:
        # Answers may still be pending.
        return bool(self._waiting)

    # httptools callbacks.

    def on_message_begin(self) -> None:
        self._begun_s = self._active_s
        self._target = b""
        self._agent = self._forwarded = ""
        self._body = bytearray()
        self._size = 0
        self._expects = False
        self._behind: WordSearch | None = None

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > limits.MAX_HEAD:
            raise httptools.HttpParserError("the address is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        lowered = name.lower()
        if lowered == b"user-agent":
            self._agent = value[:200].decode("latin-1")
        elif lowered == b"x-forwarded-for" and self._server.trusted:
            self._forwarded = (
                f"{self._forwarded},{value.decode('latin-1')}" if self._forwarded else value.decode("latin-1")
            )
        elif lowered == b"expect" and value.lower() == b"100-continue":
            self._expects = True

    def on_headers_complete(self) -> None:
        self._has_head = True
        if self._expects and not self._waiting:
            self._transport.write(_CONTINUE)

    def on_body(self, chunk: bytes) -> None:
        self._unread = 0
        self._size += len(chunk)
        room = max(0, BODY_LIMIT - len(self._body))
        if room and not self._refused:
            self._body += chunk[:room]
            self._server.bodies.hold(self, len(self._body) - limits.FREE_BYTES)
        if len(chunk) > room and not self._refused:
            self._search(chunk[room:])
        if self._size > limits.MAX_BODY:
            self.refuse(PingOutcome.TOO_LARGE)
        if self._refused:
            raise httptools.HttpParserError("the rest is of no interest")

    def on_message_complete(self) -> None:
        self._has_head = False
        self._unread, self._begun_s, self._rested_s = 0, 0.0, self._active_s
        self._server.bodies.release(self)
        if self._refused or self._transport.is_closing():
            return
        waiting = _Waiting(close=not self._parser.should_keep_alive())
        self._waiting.append(waiting)
        method = _METHODS.get(self._parser.get_method())
        head = method is Method.HEAD

        def answered(outcome: PingOutcome, wait_s: float) -> None:
            close = waiting.close
            waiting.answer = (
                on_wire(outcome, head=head, close=close, wait_s=wait_s) if wait_s else _common(outcome, head, close)
            )
            self._write_answers()

        target = self._target.decode("latin-1")
        if method is None:
            answered(PingOutcome.NO_METHOD, 0.0)
        elif target == _HEALTH:
            answered(PingOutcome.ACCEPTED if self._server.healthy() else PingOutcome.TRY_AGAIN, 0.0)
        else:
            self._server.receiver.take(self._request(target, method), answered)

    def _request(self, target: str, method: Method) -> PingRequest:
        origin = client_address(self._origin, self._forwarded, self._server.trusted)
        heard = self._behind.found if self._behind is not None else b""
        return PingRequest(target, method, origin, self._agent, bytes(self._body), self._size, heard)

    def _search(self, unkept: bytes) -> None:
        """Look for the heartbeat's keywords in what is not kept of a body."""
        if self._behind is None:
            self._behind = WordSearch(self._server.receiver.words_of(self._target.decode("latin-1")))
            self._behind.feed(bytes(self._body[-limits.MAX_WORD_BYTES :]))
        self._behind.feed(unkept)

    def _keep_failure(self) -> None:
        """Keep the failure that the address of a request says, whatever became of its body."""
        method = _METHODS.get(self._parser.get_method()) if self._has_head else None
        self._has_head = False
        if method is not None:
            self._server.receiver.take_failure(self._request(self._target.decode("latin-1"), method))

    def is_busy(self) -> bool:
        """Whether an answer is pending."""
        return bool(self._waiting)

    def close_if_idle(self, now_s: float) -> None:
        """Close the connection past a deadline; empty lines between requests do not extend it."""
        if self._begun_s:
            late = now_s - self._begun_s > limits.ARRIVAL_S or now_s - self._active_s > limits.IDLE_S
        else:
            late = now_s - self._rested_s > (limits.ARRIVAL_S if self._waiting else limits.IDLE_S)
        if late:
            self._transport.abort()

    def abort(self) -> None:
        self._transport.abort()

    def close_when_answered(self) -> None:
        if self._waiting:
            self._waiting[-1].close = True
        else:
            self._transport.close()

    def _write_answers(self) -> None:
        if self._refused:
            # The output is closed; a write after that raises.
            self._waiting.clear()
        out, close = [], False
        while self._waiting and self._waiting[0].answer is not None:
            done = self._waiting.popleft()
            assert done.answer is not None
            out.append(done.answer)
            close = close or done.close
        if self._transport.is_closing() or not out:
            return
        self._rested_s = self._server.now()
        self._server.used(self)
        self._transport.write(b"".join(out))
        if close:
            self._transport.close()
        elif len(self._waiting) <= limits.MAX_PIPELINED and not self._chokes:
            self._transport.resume_reading()

    def refuse(self, outcome: PingOutcome) -> None:
        """Answer and close; incoming bytes are dropped for a moment, so that the client can read the answer."""
        if self._refused or self._transport.is_closing():
            return
        self._refused = True
        self._keep_failure()
        self._body.clear()
        self._server.bodies.release(self)
        self._transport.write(on_wire(outcome, close=True))
        self._transport.write_eof()
        asyncio.get_running_loop().call_later(limits.LINGER_S, self._transport.abort)

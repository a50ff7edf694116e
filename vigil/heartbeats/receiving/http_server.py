"""Ping HTTP server: no framework or middleware; bounded in everything a client may send."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import cast

import httptools

from vigil.heartbeats.core.reply import PingOutcome, on_wire
from vigil.heartbeats.core.wire import BODY_LIMIT, Method
from vigil.heartbeats.receiving.receiver import PingReceiver, PingRequest

MAX_HEAD = 16_384
#: Largest read of the loop; only its beginning may be a head.
READ_AT_ONCE = 262_144
MAX_BODY = 10_000_000
MAX_CONNECTIONS = 10_000
#: Pipelined requests per connection; beyond that reading stops (backpressure).
MAX_PIPELINED = 64
#: Idle timeout of a connection (s).
IDLE_S = 30.0
#: Longest time for one request to arrive (s).
ARRIVAL_S = 60.0
#: How long a refused client may still send (lingering close, s).
LINGER_S = 2.0
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_METHODS = {method.value.encode(): method for method in (Method.GET, Method.HEAD, Method.POST)}
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
        self._head_size = 0
        self._in_head = True
        self._refused = False
        self._begun_s = 0.0
        self.active_s = 0.0

    # asyncio callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = self._transport.get_extra_info("peername")
        self._origin = str(peer[0]) if peer else ""
        self.active_s = self._server.now()
        if not self._server.admit(self):
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._server.forget(self)

    def data_received(self, data: bytes) -> None:
        self.active_s = self._server.now()
        if self._refused:
            return
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD + READ_AT_ONCE:
                self._refuse(PingOutcome.HEADERS_TOO_LARGE)
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # A request to upgrade the protocol is answered in HTTP/1.1.
            self.close_when_answered()
        except (httptools.HttpParserError, UnicodeDecodeError):
            self._refuse(PingOutcome.UNREADABLE)
        if len(self._waiting) > MAX_PIPELINED:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        # Answers may still be pending.
        return bool(self._waiting)

    # httptools callbacks.

    def on_message_begin(self) -> None:
        self._begun_s = self.active_s
        self._target = b""
        self._agent = ""
        self._body = bytearray()
        self._size = 0
        self._expects = False

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > MAX_HEAD:
            raise httptools.HttpParserError("the address is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        lowered = name.lower()
        if lowered == b"user-agent":
            self._agent = value[:200].decode("latin-1")
        elif lowered == b"expect" and value.lower() == b"100-continue":
            self._expects = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._expects:
            self._transport.write(_CONTINUE)

    def on_body(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > MAX_BODY:
            self._refuse(PingOutcome.TOO_LARGE)
            return
        room = BODY_LIMIT - len(self._body)
        if room > 0:
            self._body += chunk[:room]

    def on_message_complete(self) -> None:
        self._in_head, self._head_size, self._begun_s = True, 0, 0.0
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
            request = PingRequest(target, method, self._origin, self._agent, bytes(self._body), self._size)
            self._server.receiver.take(request, answered)

    def close_if_idle(self, now_s: float) -> None:
        dawdles = bool(self._begun_s) and now_s - self._begun_s > ARRIVAL_S
        if dawdles or (now_s - self.active_s > IDLE_S and not self._waiting):
            self._transport.abort()

    def close_when_answered(self) -> None:
        if self._waiting:
            self._waiting[-1].close = True
        else:
            self._transport.close()

    def _write_answers(self) -> None:
        out = []
        close = False
        while self._waiting and self._waiting[0].answer is not None:
            done = self._waiting.popleft()
            assert done.answer is not None
            out.append(done.answer)
            close = close or done.close
        if self._transport.is_closing() or not out:
            return
        self._transport.write(b"".join(out))
        if close:
            self._transport.close()
        elif len(self._waiting) <= MAX_PIPELINED:
            self._transport.resume_reading()

    def _refuse(self, outcome: PingOutcome) -> None:
        """Answer and close; incoming bytes are dropped for a moment, so that the client can read the answer."""
        if self._refused or self._transport.is_closing():
            return
        self._refused = True
        self._transport.write(on_wire(outcome, close=True))
        self._transport.write_eof()
        asyncio.get_running_loop().call_later(LINGER_S, self._transport.abort)


class PingServer:
    """Connections of one listener, and their shared state."""

    def __init__(self, receiver: PingReceiver, healthy: Callable[[], bool]) -> None:
        self.receiver = receiver
        self.healthy = healthy
        self._connections: set[PingConnection] = set()
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        return self._loop.time()

    def admit(self, connection: PingConnection) -> bool:
        if len(self._connections) >= MAX_CONNECTIONS:
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: PingConnection) -> None:
        self._connections.discard(connection)

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Start listening; raises OSError if the address is unavailable."""
        return await self._loop.create_server(lambda: PingConnection(self), host, port, backlog=1024)

    async def close_idle(self) -> None:
        """Close idle connections until cancelled."""
        while True:
            await asyncio.sleep(IDLE_S / 6)
            for connection in list(self._connections):
                connection.close_if_idle(self.now())

    def close_when_answered(self) -> None:
        """Close every connection once its answers are sent."""
        for connection in list(self._connections):
            connection.close_when_answered()

"""A pool of connections to receivers: dialled through the guard, kept open for a while, used for one call at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Mapping

import httptools

from probes.net.dialer import Dialer, dial
from probes.net.failures import ClosedEarly, ProtocolBroken, TooLarge
from probes.net.targets import Target
from probes.net.tls_options import TlsOptions
from probes.net.tls_protocol import TlsProtocol
from probes.net.trace import Trace

#: Of an answer's body; more is dropped, and the connection with it.
BODY_BYTES = 65_536
HEADER_BYTES = 32_768
#: Idle connections are closed after this, before the usual server closes them under us.
IDLE_S = 12.0
#: A connection is not used for longer, so that a name that moves is followed.
AGE_S = 120.0
IDLE_PER_ORIGIN = 128
_TLS = TlsOptions()


class Parsed:
    """An answer as it was read."""

    __slots__ = ("body", "code", "headers", "reusable")

    def __init__(self) -> None:
        self.code = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.reusable = False


class ReceiverConnection(TlsProtocol):
    """One connection, which carries one call after another."""

    __slots__ = ("_answer", "_bytes", "_chunks", "_found", "_parser", "born", "closed", "ready", "started", "used")

    def __init__(self, target: Target, now: float) -> None:
        super().__init__(Trace(), _TLS if target.secure else None, target.host)
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.born = self.used = now
        self.closed = False
        #: Whether any byte of the present answer has come.
        self.started = False
        self._answer: asyncio.Future[Parsed] | None = None
        self._found = Parsed()
        self._chunks: list[bytes] = []
        self._bytes = 0
        self._parser = httptools.HttpResponseParser(self)

    def exchange(self, request: bytes) -> asyncio.Future[Parsed]:
        """Send a request; its answer comes into the future."""
        self._answer = asyncio.get_running_loop().create_future()
        self._found, self._chunks, self._bytes, self.started = Parsed(), [], 0, False
        self._parser = httptools.HttpResponseParser(self)
        self.send(request)
        return self._answer

    def listening(self) -> bool:
        return True

    def opened(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def received(self, plain: bytes) -> None:
        if self._answer is None or self._answer.done():
            # Nobody asked: whatever this is, the next answer must not be read from it.
            self.drop()
            return
        self.started = True
        self._bytes += len(plain)
        try:
            self._parser.feed_data(plain)
        except httptools.HttpParserError as error:
            self.failed(ProtocolBroken(f"not HTTP: {str(error)[:60]}"))
            return
        if not self._answer.done() and self._bytes > HEADER_BYTES + BODY_BYTES:
            self._finish(reusable=False) if self._found.code else self.failed(TooLarge("headers without end"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._found.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        code = self._parser.get_status_code()
        if code >= 200:
            self._found.code = code

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        if self._found.code:
            self._finish(reusable=self._parser.should_keep_alive())
        else:
            self._found.headers.clear()

    def ended(self) -> None:
        if self._found.code and self._answer is not None and "content-length" not in self._found.headers:
            self._finish(reusable=False)
        self.failed(ClosedEarly("closed before it answered"))

    def failed(self, error: Exception) -> None:
        self.closed = True
        for waited in (self.ready, self._answer):
            if waited is not None and not waited.done():
                waited.set_exception(error)

    def drop(self) -> None:
        """Close it, whatever its state."""
        self.closed = True
        self.abort()
        for waited in (self.ready, self._answer):
            if waited is not None and not waited.done():
                waited.cancel()

    def _finish(self, reusable: bool) -> None:
        if self._answer is None or self._answer.done():
            return
        self._found.body = b"".join(self._chunks)[:BODY_BYTES]
        self._found.reusable = reusable and not self.closed
        self._answer.set_result(self._found)


class Pool:
    """Connections by origin. A call takes one that is idle, or dials; nothing waits for another call."""

    def __init__(self, way: Dialer) -> None:
        self._way = way
        self._idle: defaultdict[tuple[bool, str, int], deque[ReceiverConnection]] = defaultdict(deque)

    async def call(self, target: Target, request: bytes) -> Parsed:
        """Send a request and return the answer. The deadline is the caller's.

        A connection that was kept may have been closed by the other side at that very moment: then, and only when no
        byte of an answer had come, the request goes out once more over a new one. Raises what `dial` raises, and
        `ClosedEarly` and `ProtocolBroken`.
        """
        kept = self._take(target)
        if kept is not None:
            with contextlib.suppress(ClosedEarly, ConnectionError):
                return await self._use(kept, target, request)
            if kept.started:
                raise ClosedEarly("closed in the middle of the answer")
        fresh = await self._dial(target)
        return await self._use(fresh, target, request)

    def close(self) -> None:
        for waiting in self._idle.values():
            for connection in waiting:
                connection.drop()
        self._idle.clear()

    def _take(self, target: Target) -> ReceiverConnection | None:
        now = asyncio.get_running_loop().time()
        waiting = self._idle.get(target.origin)
        while waiting:
            connection = waiting.pop()
            if not connection.closed and now - connection.used < IDLE_S and now - connection.born < AGE_S:
                return connection
            connection.drop()
        return None

    async def _dial(self, target: Target) -> ReceiverConnection:
        made = ReceiverConnection(target, asyncio.get_running_loop().time())
        try:
            await dial(self._way, target.host, target.port, lambda: made, Trace())
            await made.ready
        except BaseException:
            made.drop()
            raise
        return made

    async def _use(self, connection: ReceiverConnection, target: Target, request: bytes) -> Parsed:
        reusable = False
        try:
            answer = await connection.exchange(request)
            reusable = answer.reusable
            return answer
        finally:
            waiting = self._idle[target.origin]
            if reusable and not connection.closed and len(waiting) < IDLE_PER_ORIGIN:
                connection.used = asyncio.get_running_loop().time()
                waiting.append(connection)
            else:
                connection.drop()


def request_bytes(method: str, target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request as it goes out. Header values are refused by the caller when they could break the line."""
    lines = [
        f"{method} {target.path} HTTP/1.1\r\nHost: {target.authority}\r\nUser-Agent: Vigil\r\nAccept: */*\r\n"
        f"Accept-Encoding: identity\r\nContent-Length: {len(body)}\r\n"
    ]
    lines += [f"{name}: {value}\r\n" for name, value in headers.items()]
    return "".join(lines).encode() + b"\r\n" + body

"""HTTP/1.1 server protocol of the fake servers: keep-alive, bounded in size and time."""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import httptools

READ_DEADLINE_S = 10.0
REQUEST_LIMIT = 2_000_000


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """A request; header names are in lower case, `source` is the address that it came from."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    source: str = ""


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """An answer; the connection closes after it. `pieces` are sent instead of a body, with waits (s) between them."""

    code: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = field(default=())
    pieces: tuple[float | bytes, ...] = ()

    def encode(self, connection: str = "close") -> bytes:
        """The answer as bytes for the socket."""
        try:
            phrase = http.HTTPStatus(self.code).phrase
        except ValueError:
            phrase = "Unassigned"
        lines = [f"HTTP/1.1 {self.code} {phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body or self.pieces:
            lines.append(f"Content-Type: {self.content_type}")
        framing = "Transfer-Encoding: chunked" if self.pieces else f"Content-Length: {len(self.body)}"
        lines += [framing, f"Connection: {connection}", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


def as_json(code: int, content: object, *headers: tuple[str, str]) -> ServedAnswer:
    """An answer whose body is `content` as JSON."""
    return ServedAnswer(code, json.dumps(content).encode(), headers=headers)


def as_text(code: int, content: str, *headers: tuple[str, str]) -> ServedAnswer:
    """An answer whose body is plain text."""
    return ServedAnswer(code, content.encode(), "text/plain; charset=utf-8", headers)


Respond = Callable[[ServedRequest], Awaitable[ServedAnswer]]


class ServerConnection(asyncio.Protocol):
    """One client's connection, in `connections` while open. Subclasses answer requests as `asked`."""

    def __init__(self, connections: set[ServerConnection]) -> None:
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._size = 0

    def asked(self, request: ServedRequest) -> None:
        raise NotImplementedError

    def reset(self) -> None:
        """Reset the connection, as a crashed server would."""
        connection = self._transport.get_extra_info("socket")
        if connection is not None and connection.fileno() >= 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        try:
            # A request to upgrade the protocol is answered in HTTP/1.1.
            with contextlib.suppress(httptools.HttpParserUpgrade):
                self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.reset()
        if self._size > REQUEST_LIMIT:
            self.reset()

    def on_message_begin(self) -> None:
        self._url = self._body = b""
        self._headers: dict[str, str] = {}

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._size = 0
        parts = urlsplit(self._url.decode("latin-1"))
        method = self._parser.get_method().decode()
        source = str(self._transport.get_extra_info("peername", ("",))[0])
        self.asked(ServedRequest(method, parts.path, parts.query, self._headers, self._body, source))


class OneAnswerConnection(ServerConnection):
    """A connection that closes after one request and its answer."""

    def __init__(self, connections: set[ServerConnection], respond: Respond) -> None:
        super().__init__(connections)
        self._respond = respond
        self._deadline = asyncio.get_running_loop().call_later(READ_DEADLINE_S, self.reset)
        self._answering: asyncio.Task[None] | None = None

    def asked(self, request: ServedRequest) -> None:
        self._deadline.cancel()
        if self._answering is None:
            self._answering = asyncio.get_running_loop().create_task(self._answer(request))

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._deadline.cancel()
        if self._answering is not None:
            self._answering.cancel()

    async def _answer(self, request: ServedRequest) -> None:
        answer = await self._respond(request)
        self._transport.write(answer.encode())
        for piece in answer.pieces:
            if self._transport.is_closing():
                return
            if isinstance(piece, float):
                await asyncio.sleep(piece)
            else:
                self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if answer.pieces:
            self._transport.write(b"0\r\n\r\n")
        self._transport.close()


async def serve(port: int, respond: Respond) -> asyncio.Server:
    """Serve on 127.0.0.1:`port` with `respond`; raises OSError if the port is taken."""
    connections: set[ServerConnection] = set()
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: OneAnswerConnection(connections, respond), "127.0.0.1", port)

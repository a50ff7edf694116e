"""Real servers on loopback for probers to look at, good and hostile, and a name server that answers as told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

from probes.net.dialer import Dialer, Resolver
from probes.net.guard import Egress

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@contextlib.asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A TCP server that gives each connection to `handler`; yields its port."""
    open_connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_connections.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            return
        finally:
            open_connections.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(open_connections):
            task.cancel()
        if open_connections:
            await asyncio.wait(list(open_connections), timeout=5)


def answering(*pieces: bytes, hang: bool = False, seen: list[bytes] | None = None) -> Handler:
    """Read one request, send the pieces one by one, and close (or hang on)."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(request)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if hang:
            await asyncio.sleep(60)
        writer.close()
        await writer.wait_closed()

    return handle


def endless(head: bytes, piece: bytes) -> Handler:
    """Send the head, then the piece again and again for as long as the client reads."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()

    return handle


def dripping(head: bytes, piece: bytes, every_s: float = 0.05) -> Handler:
    """Like `endless`, a little at a time: what a per-read timeout never ends."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every_s)

    return handle


def resetting(after: bytes, answer: bytes = b"") -> Handler:
    """Send some bytes and reset the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(after)
        await writer.drain()
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return handle


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, and never say a word."""
    await asyncio.sleep(60)


def closed_port() -> int:
    """A port where no program listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class NameServer(asyncio.DatagramProtocol):
    """Answers A questions from `names`, and NXDOMAIN for what it does not know; AAAA is always empty."""

    def __init__(self, names: dict[str, list[str]]) -> None:
        self.names = names
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not declared as asyncio's.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        labels, place = [], 12
        while data[place]:
            labels.append(data[place + 1 : place + 1 + data[place]].decode())
            place += data[place] + 1
        name, question = ".".join(labels).lower(), data[12 : place + 5]
        kind = struct.unpack(">H", data[place + 1 : place + 3])[0]
        self.asked.append(name)
        addresses = self.names.get(name)
        found = addresses if addresses is not None and kind == 1 else []
        flags = 0x8180 if addresses is not None else 0x8183
        head = data[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0)
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(a) for a in found)
        self._transport.sendto(head + question + records, address)


@contextlib.asynccontextmanager
async def name_server(names: dict[str, list[str]]) -> AsyncIterator[tuple[str, NameServer]]:
    """A name server on loopback; yields its address as aiodns takes it, and the server."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: NameServer(names), ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    try:
        yield f"127.0.0.1:{port}", server
    finally:
        transport.close()


@contextlib.asynccontextmanager
async def way_out(
    egress: Egress = Egress.PRIVATE, nameservers: list[str] | None = None, source: str | None = None
) -> AsyncIterator[Dialer]:
    """A way out with a resolver of its own."""
    resolver = Resolver(nameservers)
    try:
        yield Dialer(egress, resolver, source)
    finally:
        await resolver.close()

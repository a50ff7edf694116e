"""Hostile peers of the probers beside HTTP: a reset at every byte of what they say, and endless or twisted answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import dns.message
import pytest

from probes.net.dialer import Dialer, addresses_of
from probes.net.dns.answer import NoAnswer, read
from probes.net.failures import Blocked
from probes.net.guard import Egress
from probes.net.trace import Trace
from probes.prober import Observation
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import Handler, endless, name_server, serving, way_out
from tests.probes.probers.test_grpc import grpc, health, message
from tests.probes.probers.test_hostile import TIMEOUT_S, bounded
from tests.probes.probers.test_websocket import frame, upgrading

#: Every way in which a conversation that was cut may be called; it is never the region's own fault, and never well.
CUT = {Reason.RESET, Reason.PROTOCOL_ERROR, Reason.BODY_MISMATCH}


@contextlib.asynccontextmanager
async def cut_after(upstream: tuple[str, int], after: int, passed: list[int]) -> AsyncIterator[int]:
    """A door to a real server that lets so many bytes of its answer through, and resets the connection then."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*upstream)
        forwarding = asyncio.ensure_future(forward(reader, back))
        sent = 0
        try:
            while sent < after and (chunk := await there.read(4096)):
                writer.write(chunk[: after - sent])
                sent += len(chunk[: after - sent])
                passed.append(sent)
                await writer.drain()
        finally:
            forwarding.cancel()
            back.transport.abort()
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with serving(handle) as port:
        yield port


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(4096):
        writer.write(chunk)


async def seen_when_cut(upstream: tuple[str, int], kind: str, config: dict[str, Any], **more: Any) -> list[Observation]:
    """What is seen of a server that is cut after 0, 1, 2, ... bytes of its answer, the last of them uncut."""

    async def look(after: int, passed: list[int]) -> Observation:
        async with cut_after(upstream, after, passed) as port:
            place = {key: value.replace("PORT", str(port)) for key, value in config.items() if key == "url"}
            there = place or {"host": "127.0.0.1", "port": port}
            return await looked(kind, {**config, **there}, **more)

    whole: list[int] = []
    uncut = await look(1_000_000, whole)
    cuts = [look(after, []) for after in range(max(whole))]
    return [*await asyncio.gather(*cuts), uncut]


def held(seen: list[Observation]) -> None:
    *cut, uncut = seen
    assert (uncut.status, uncut.reason) == (Status.UP, Reason.OK), uncut.detail
    assert len(cut) > 2
    assert {one.status for one in cut if one.status is not Status.UP} == {Status.DOWN}
    assert {one.reason for one in cut if one.status is not Status.UP} <= CUT


async def banner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP ready\r\n")
    await reader.read()


async def one_message(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(frame(1, b"you are well"))
    await reader.read()


@pytest.mark.parametrize(
    ("kind", "config", "handler"),
    [
        ("tcp", {"expect": "ready\r\n"}, banner),
        ("websocket", {"url": "ws://127.0.0.1:PORT/", "expect": "well"}, upgrading(one_message)),
        ("grpc", {"tls": False}, grpc(health(message(1)))),
    ],
    ids=["tcp", "websocket", "grpc"],
)
def test_a_reset_at_every_byte_is_down(on_loop: Any, kind: str, config: dict[str, Any], handler: Handler) -> None:
    async def story() -> list[Observation]:
        async with serving(handler) as port:
            return await seen_when_cut(("127.0.0.1", port), kind, config)

    seen = on_loop(story())
    held(seen)
    if kind != "grpc":
        # What ends an HTTP/2 connection may come after the answer is complete.
        assert Status.UP not in {one.status for one in seen[:-1]}


def test_a_reset_at_every_byte_of_a_real_store_is_down(on_loop: Any, redis_url: str, postgres_server: str) -> None:
    cache, database = urlsplit(redis_url), urlsplit(postgres_server)
    assert cache.hostname and cache.port and cache.password and database.hostname and database.port
    held(on_loop(seen_when_cut((cache.hostname, cache.port), "redis", {}, secrets={"password": cache.password})))
    held(on_loop(seen_when_cut((database.hostname, database.port), "postgresql", {})))


@pytest.mark.parametrize(
    ("kind", "config", "handler", "reason"),
    [
        ("tcp", {"expect": "never"}, endless(b"", b"x" * 65_536), Reason.BODY_MISMATCH),
        ("websocket", {"url": "ws://127.0.0.1:PORT/"}, endless(b"HTTP/1.1 101 ", b"x" * 65_536), Reason.TOO_LARGE),
        ("websocket", {"url": "ws://127.0.0.1:PORT/", "expect": "x"}, endless(b"", b"HTTP/1.1 101\r\n" * 999),
         Reason.TOO_LARGE),
        ("grpc", {"tls": False}, endless(b"", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" * 999), Reason.TOO_LARGE),
        ("redis", {}, endless(b"+", b"x" * 65_536), Reason.TOO_LARGE),
        ("postgresql", {}, endless(b"R\x00\x00\x40\x00", b"x" * 65_536), Reason.OK),
        ("postgresql", {}, endless(b"", b"x" * 65_536), Reason.PROTOCOL_ERROR),
    ],
    ids=["tcp", "websocket", "websocket headers", "grpc settings", "redis", "postgresql", "postgresql noise"],
)  # fmt: skip
def test_an_endless_answer_ends_in_bounded_time_and_memory(
    on_loop: Any, kind: str, config: dict[str, Any], handler: Handler, reason: Reason
) -> None:
    async def at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Each protocol greets in its own way: none of them is waited for.
        spoken = asyncio.StreamReader()
        spoken.feed_data(b"\r\n\r\n")
        await handler(spoken, writer)

    async def look() -> Observation:
        async with serving(at_once) as port:
            place = {"url": config["url"].replace("PORT", str(port))} if "url" in config else {"port": port}
            host = {} if "url" in config else {"host": "127.0.0.1"}
            return await looked(kind, {**config, **host, **place}, timeout_s=TIMEOUT_S)

    seen = bounded(on_loop, look)
    assert seen.reason is reason, seen.detail
    assert seen.reason is not Reason.PROBE_ERROR


# Names ----------------------------------------------------------------------------------------------------------------


def twisted(question: bytes, records: int) -> bytes:
    """An answer of pointers to pointers: small, and dear to a parser that spells every name of it out."""
    number = question[:2]
    asked = question[12:-11]
    pointer = b"\xc0" + bytes([12 + 2])
    record = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, len(pointer)) + pointer
    return number + struct.pack(">HHHHH", 0x8180, 1, records, 0, 0) + asked + record * records


def test_an_answer_made_to_be_dear_is_read_in_bounded_time_and_memory(on_loop: Any) -> None:
    name = ".".join("a" * 120)

    async def over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack(">H", await reader.readexactly(2))
        answer = twisted(await reader.readexactly(length), 4_000)
        writer.write(struct.pack(">H", len(answer)) + answer)
        await reader.read()

    class Cut(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
            self.transport.sendto(data[:2] + b"\x83\x80" + data[4:], address)

    async def look() -> Observation:
        async with serving(over_tcp) as port:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(Cut, ("127.0.0.1", port))
            try:
                config = {"name": name, "record": "CNAME", "resolver": f"127.0.0.1:{port}"}
                return await looked("dns", config, timeout_s=TIMEOUT_S)
            finally:
                transport.close()

    seen = bounded(on_loop, look)
    assert (seen.status, seen.facts["answers"]) == (Status.UP, 1), seen.detail


@pytest.mark.parametrize("cut", range(0, 60))
def test_an_answer_cut_at_any_byte_is_no_answer_and_nothing_worse(cut: int) -> None:
    question = dns.message.make_query("api.example", "A", use_edns=0).to_wire()
    answer = question[:2] + struct.pack(">HHHHH", 0x8180, 1, 2, 0, 0) + question[12:-11]
    for last in (1, 2):
        answer += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, last])
    assert [value.text for value in read(answer, question, "A").values] == ["192.0.2.1", "192.0.2.2"]
    if cut < len(answer):
        with pytest.raises(NoAnswer):
            read(answer[:cut], question, "A")


def test_a_name_that_changes_at_every_look_up_is_dialled_where_it_was_judged(on_loop: Any) -> None:
    async def story() -> tuple[list[Observation], int]:
        connected = 0

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connected
            connected += 1

        # The first answer is an address that a public region may dial; every later one is this machine.
        async with (
            serving(handle) as port,
            name_server({"turning.example": ["198.41.0.4"]}) as (server, names),
            way_out(nameservers=[server]) as private,
        ):
            dialer = Dialer(Egress.PUBLIC, private.resolve)
            assert await addresses_of(dialer, "turning.example", 443, Trace()) == ["198.41.0.4"]
            names.names["turning.example"] = ["127.0.0.1"]
            with pytest.raises(Blocked):
                await addresses_of(dialer, "turning.example", 443, Trace())
            seen = [
                await looked(kind, config, dialer=dialer, timeout_s=TIMEOUT_S)
                for kind, config in (
                    ("http", {"url": f"http://turning.example:{port}/"}),
                    ("http", {"url": f"https://turning.example:{port}/"}),
                    ("tcp", {"host": "turning.example", "port": port}),
                    ("tls", {"host": "turning.example", "port": port}),
                    ("grpc", {"host": "turning.example", "port": port}),
                    ("icmp", {"host": "turning.example", "tcp_port": port}),
                    ("redis", {"host": "turning.example", "port": port}),
                    ("postgresql", {"host": "turning.example", "port": port}),
                    ("websocket", {"url": f"ws://turning.example:{port}/"}),
                    ("saturation", {"url": f"http://turning.example:{port}/metrics", "engine": "vllm"}),
                )
            ]
            return seen, connected

    seen, connected = on_loop(story())
    assert {(one.status, one.reason) for one in seen} == {(Status.UNKNOWN, Reason.BLOCKED)}
    assert connected == 0

"""The HTTP/1.1 client protocol: when its connection carries another request, and what an answer with a fault says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from probes.net.dialer import dial
from probes.net.failures import ClosedEarly, ProtocolBroken
from probes.net.guard import Egress
from probes.net.http1 import HttpConnection, exchange
from probes.net.http_messages import Request, Response
from probes.net.targets import parse_url
from probes.net.trace import Trace
from tests.probes.loopback import answering, serving, way_out

KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextlib.asynccontextmanager
async def connected(answer: bytes, hang: bool = True, method: str = "POST") -> AsyncIterator[HttpConnection]:
    async with serving(answering(answer, hang=hang)) as port, way_out(Egress.PRIVATE) as dialer:
        target = parse_url(f"http://127.0.0.1:{port}/")
        connection = HttpConnection(Request(target, method, body_limit=8, connection="keep-alive"), Trace())
        try:
            yield await dial(dialer, target.host, target.port, lambda: connection, Trace())
        finally:
            connection.close()


@pytest.mark.parametrize(
    ("answer", "method", "reusable"),
    [
        (KEPT, "POST", True),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", "POST", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + KEPT, "POST", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok", "POST", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", "POST", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "POST", False),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n", "POST", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnine byte", "POST", False),
        (KEPT, "HEAD", False),
        (KEPT + KEPT, "POST", False),
    ],
    ids=["length", "chunked", "continue", "old, kept", "close", "old", "upgrade", "cut by us", "head", "two answers"],
)
def test_a_connection_is_reusable_after_a_complete_answer_that_keeps_it(
    on_loop: Any, answer: bytes, method: str, reusable: bool
) -> None:
    async def story() -> bool:
        async with connected(answer, method=method) as connection:
            await connection.answer
            return connection.reusable

    assert on_loop(story()) is reusable


def test_bytes_that_were_not_asked_for_end_the_reuse(on_loop: Any) -> None:
    async def story() -> tuple[bool, bool]:
        async with connected(KEPT) as connection:
            await connection.answer
            before = connection.reusable
            connection.received(KEPT)
            return before, connection.reusable

    assert on_loop(story()) == (True, False)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\ncut", ClosedEarly),
        (b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ncut", ClosedEarly),
        (b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n", ProtocolBroken),
    ],
    ids=["length", "chunked", "bad chunk"],
)
def test_a_fault_in_the_body_leaves_the_code_and_fails_a_check(
    on_loop: Any, answer: bytes, fault: type[Exception]
) -> None:
    async def seen() -> Response:
        async with connected(answer, hang=False) as connection:
            return await connection.answer

    async def checked() -> None:
        async with serving(answering(answer)) as port, way_out(Egress.PRIVATE) as dialer:
            await exchange(Request(parse_url(f"http://127.0.0.1:{port}/")), dialer, Trace())

    response = on_loop(seen())
    assert (response.code, type(response.fault)) == (202, fault)
    with pytest.raises(fault):
        on_loop(checked())


def test_one_connection_carries_one_request_after_another(on_loop: Any) -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for body in (b"1", b"2"):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body)
        await reader.read()

    async def story() -> list[bytes]:
        async with serving(twice) as port, way_out(Egress.PRIVATE) as dialer:
            request = Request(parse_url(f"http://127.0.0.1:{port}/"), connection="keep-alive")
            connection = HttpConnection(request, Trace())
            await dial(dialer, "127.0.0.1", port, lambda: connection, Trace())
            first = await connection.answer
            second = await connection.ask(request)
            connection.close()
            return [first.body, second.body]

    assert on_loop(story()) == [b"1", b"2"]

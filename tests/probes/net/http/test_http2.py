"""Servers that speak HTTP/2 only: asked by HTTP/2 over TLS, and told as such without TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
import trustme

from probes.prober import Observation
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import Handler, serving

Headers = list[tuple[str, str]]


def http2_only(
    headers: Headers, *pieces: bytes, ends: bool = True, seen: list[Headers] | None = None, refusal: bytes = b""
) -> Handler:
    """A server of HTTP/2 only; to anything else it says `refusal`, or a frame of its own."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        came = await reader.read(65_536)
        connection.initiate_connection()
        if not came.startswith(b"PRI * HTTP/2.0"):
            writer.write(refusal or connection.data_to_send())
            await writer.drain()
            return
        while came:
            for event in connection.receive_data(came):
                if isinstance(event, h2.events.RequestReceived):
                    if seen is not None:
                        seen.append([(str(name), str(value)) for name, value in event.headers])
                elif isinstance(event, h2.events.StreamEnded):
                    connection.send_headers(event.stream_id, headers, end_stream=ends and not pieces)
                    for place, piece in enumerate(pieces):
                        connection.send_data(event.stream_id, piece, end_stream=ends and place == len(pieces) - 1)
            writer.write(connection.data_to_send())
            await writer.drain()
            came = await reader.read(65_536)

    return handle


@pytest.fixture
def tls(trusted: trustme.CA, server_tls: Callable[[trustme.LeafCert], ssl.SSLContext]) -> ssl.SSLContext:
    made = server_tls(trusted.issue_cert("127.0.0.1"))
    made.set_alpn_protocols(["h2"])
    return made


async def look(handler: Handler, tls: ssl.SSLContext | None, **config: Any) -> Observation:
    async with serving(handler, tls) as port:
        scheme = "https" if tls else "http"
        return await looked("http", {"url": f"{scheme}://127.0.0.1:{port}/x?y=1", **config})


OK = [(":status", "200"), ("content-type", "text/plain")]


@pytest.mark.parametrize(
    "refusal",
    [b"", b"HTTP/1.1 403 Forbidden\r\n\r\nMissing ALPN Protocol, expected `h2`", b"HTTP/1.1 505 Version\r\n\r\n"],
    ids=["frames", "Node", "505"],
)
def test_a_server_of_http_2_only_is_asked_by_http_2(on_loop: Any, tls: ssl.SSLContext, refusal: bytes) -> None:
    asked: list[Headers] = []
    handler = http2_only(OK, b"we", b"ll", seen=asked, refusal=refusal)
    wanted = [{"type": "body_contains", "text": "well"}]
    seen = on_loop(look(handler, tls, assertions=wanted, headers=[["X-Own", "1"], ["Host", "a.example"]]))
    assert (seen.status, seen.code, seen.facts["body_bytes"]) == (Status.UP, 200, 4), seen.detail
    assert seen.facts["tls"] == "TLSv1.3"
    sent = dict(asked[0])
    assert (sent[":authority"], sent[":path"], sent["x-own"]) == ("a.example", "/x?y=1", "1")
    assert "host" not in sent


def test_an_answer_by_http_2_is_judged_by_its_code_and_bounded(on_loop: Any, tls: ssl.SSLContext) -> None:
    down = on_loop(look(http2_only([(":status", "503")]), tls))
    assert (down.status, down.reason) == (Status.DOWN, Reason.HTTP_5XX)
    cut = on_loop(look(http2_only(OK, b"x" * 9000), tls, body_limit=1000))
    assert (cut.status, cut.facts["body_bytes"], cut.facts["truncated"]) == (Status.UP, 1000, True)
    stream = [(":status", "200"), ("content-type", "text/event-stream")]
    endless = on_loop(look(http2_only(stream, ends=False), tls))
    assert (endless.status, endless.facts["stream"]) == (Status.UP, True)


def test_http_2_without_tls_is_told_as_such(on_loop: Any) -> None:
    seen = on_loop(look(http2_only(OK), None))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.PROTOCOL_ERROR)
    assert "it speaks HTTP/2 only" in seen.detail


def test_a_server_that_speaks_neither_keeps_its_own_failure(on_loop: Any, tls: ssl.SSLContext) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)

    seen = on_loop(look(close, tls))
    assert (seen.status, seen.reason, seen.detail) == (Status.DOWN, Reason.RESET, "closed without an answer")


def test_a_refused_handshake_of_http_1_is_tried_by_http_2(on_loop: Any) -> None:
    hellos: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hellos.append(await reader.read(65_536))
        # The alert no_application_protocol.
        writer.write(bytes.fromhex("15030300020278"))
        await writer.drain()

    async def story() -> Observation:
        async with serving(refuse) as port:
            return await looked("http", {"url": f"https://127.0.0.1:{port}/"})

    assert on_loop(story()).reason is Reason.TLS_ERROR
    assert [b"http/1.1" in hello for hello in hellos] == [True, False]
    assert b"\x02h2" in hellos[1]

"""The gRPC prober against a real HTTP/2 server on loopback, honest and hostile."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
import trustme

from probes.net.guard import Egress
from probes.prober import Observation, SpecError
from probes.probers import parse_spec
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import OK, Handler, answering, closed_port, endless, serving, silent, way_out

Reply = Callable[[h2.connection.H2Connection, int], None]


def message(status: int) -> bytes:
    body = b"\x08" + bytes([status]) if status else b""
    return b"\x00" + struct.pack(">I", len(body)) + body


def health(body: bytes, grpc_status: str = "0", http_status: str = "200") -> Reply:
    def reply(connection: h2.connection.H2Connection, stream: int) -> None:
        connection.send_headers(stream, [(":status", http_status), ("content-type", "application/grpc")])
        connection.send_data(stream, body)
        connection.send_headers(stream, [("grpc-status", grpc_status)], end_stream=True)

    return reply


def trailers_only(grpc_status: str) -> Reply:
    def reply(connection: h2.connection.H2Connection, stream: int) -> None:
        headers = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", grpc_status)]
        connection.send_headers(stream, headers, end_stream=True)

    return reply


def grpc(reply: Reply, calls: list[tuple[dict[str, str], bytes]] | None = None) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        headers: dict[str, str] = {}
        body = b""
        while chunk := await reader.read(65_536):
            for event in connection.receive_data(chunk):
                if isinstance(event, h2.events.RequestReceived):
                    headers = {str(name): str(value) for name, value in event.headers or ()}
                elif isinstance(event, h2.events.DataReceived):
                    body += event.data or b""
                elif isinstance(event, h2.events.StreamEnded):
                    if calls is not None:
                        calls.append((headers, body))
                    reply(connection, event.stream_id or 1)
            writer.write(connection.data_to_send())
            await writer.drain()

    return handle


async def look_at(handler: Handler, secrets: dict[str, str] | None = None, **config: Any) -> Observation:
    timeout_s = config.pop("timeout_s", 5.0)
    async with serving(handler) as port:
        spec = {"host": "127.0.0.1", "port": port, "tls": False, **config}
        return await looked("grpc", spec, secrets, timeout_s=timeout_s)


def test_a_service_that_serves_is_up(on_loop: Any) -> None:
    calls: list[tuple[dict[str, str], bytes]] = []
    seen = on_loop(look_at(grpc(health(message(1)), calls), {"bearer": "tok-1"}, service="models.Chat"))
    assert (seen.status, seen.reason, seen.facts["serving"]) == (Status.UP, Reason.OK, "SERVING")
    headers, body = calls[0]
    assert headers[":path"] == "/grpc.health.v1.Health/Check"
    assert headers["te"] == "trailers"
    assert headers["authorization"] == "Bearer tok-1"
    assert body == b"\x00\x00\x00\x00\x0d\x0a\x0bmodels.Chat"


@pytest.mark.parametrize(
    ("reply", "status", "reason", "words"),
    [
        (health(message(2)), Status.DOWN, Reason.VALUE_MISMATCH, "the service says NOT_SERVING"),
        (health(message(0)), Status.DOWN, Reason.VALUE_MISMATCH, "the service says UNKNOWN"),
        (health(message(3)), Status.DOWN, Reason.CONFIG, "does not know this service (SERVICE_UNKNOWN)"),
        (trailers_only("5"), Status.DOWN, Reason.CONFIG, "does not know this service"),
        (trailers_only("12"), Status.DOWN, Reason.CONFIG, "no health service"),
        (trailers_only("16"), Status.DOWN, Reason.HTTP_4XX, "not authenticated"),
        (trailers_only("8"), Status.DEGRADED, Reason.RATE_LIMITED, "resources exhausted"),
        (trailers_only("14"), Status.DOWN, Reason.HTTP_5XX, "unavailable"),
        (trailers_only("2"), Status.DOWN, Reason.HTTP_5XX, "grpc-status 2: the call failed"),
        (trailers_only("many"), Status.DOWN, Reason.PROTOCOL_ERROR, "without grpc-status"),
        (health(b"", http_status="302", grpc_status="x"), Status.DOWN, Reason.UNEXPECTED_STATUS, "HTTP status 302"),
        (health(b"\x00\x00\x00\x00\xff"), Status.DOWN, Reason.PROTOCOL_ERROR, "not one gRPC message"),
        (health(b"\x00\x00\x00\x00\x02\xff\xff"), Status.DOWN, Reason.PROTOCOL_ERROR, "no HealthCheckResponse"),
        (lambda connection, stream: connection.reset_stream(stream), Status.DOWN, Reason.RESET, "reset the call"),
        (lambda connection, stream: connection.close_connection(11), Status.DOWN, Reason.RESET, "ENHANCE_YOUR_CALM"),
    ],
)
def test_every_other_answer_says_why_it_is_not(
    on_loop: Any, reply: Reply, status: Status, reason: Reason, words: str
) -> None:
    seen = on_loop(look_at(grpc(reply)))
    assert (seen.status, seen.reason) == (status, reason)
    assert words in seen.detail


SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
#: Headers that go on and on: each frame says that more will follow.
HEADERS = b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x88"
CONTINUATION = b"\x00\x03\xe8\x09\x00\x00\x00\x00\x01" + b"\x88" * 1000


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answering(OK), Reason.PROTOCOL_ERROR),
        (endless(b"", SETTINGS * 4000), Reason.TOO_LARGE),
        (endless(SETTINGS + HEADERS, CONTINUATION), Reason.TOO_LARGE),
        (silent, Reason.TIMEOUT),
    ],
)
def test_a_server_that_is_none_or_hostile_is_down_in_bounded_time(
    on_loop: Any, handler: Handler, reason: Reason
) -> None:
    seen = on_loop(look_at(handler, timeout_s=1.0))
    assert (seen.status, seen.reason) == (Status.DOWN, reason), seen.detail
    assert seen.phases.total_us < 2_000_000


def test_over_tls_the_certificate_is_verified(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    async def story(name: str) -> Observation:
        server = server_tls(trusted.issue_cert(name))
        server.set_alpn_protocols(["h2"])
        async with serving(grpc(health(message(1))), server) as port:
            return await looked("grpc", {"host": "127.0.0.1", "port": port})

    assert on_loop(story("127.0.0.1")).status is Status.UP
    assert on_loop(story("other.example")).reason is Reason.CERTIFICATE_INVALID


def test_a_closed_port_is_refused_and_a_public_region_dials_no_private_address(on_loop: Any) -> None:
    async def blocked() -> Observation:
        async with way_out(Egress.PUBLIC) as dialer:
            return await looked("grpc", {"host": "127.0.0.1", "port": 9}, dialer=dialer)

    assert on_loop(looked("grpc", {"host": "127.0.0.1", "port": closed_port()})).reason is Reason.REFUSED
    assert on_loop(blocked()).reason is Reason.BLOCKED


@pytest.mark.parametrize("config", [{"port": 0}, {"service": "a b"}, {"service": "x" * 300}])
def test_what_cannot_be_asked_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        parse_spec("grpc", {"host": "example.com", **config})


# Servers, proxies and messages as they are ----------------------------------------------------------------------------


def framed(payload: bytes, flag: int = 0) -> bytes:
    return bytes([flag]) + struct.pack(">I", len(payload)) + payload


def piecewise(body: bytes) -> Reply:
    """The answer with a frame for each byte, and headers that name a compression."""

    def reply(connection: h2.connection.H2Connection, stream: int) -> None:
        head = [(":status", "200"), ("content-type", "application/grpc+proto"), ("grpc-encoding", "gzip")]
        connection.send_headers(stream, head)
        for byte in body:
            connection.send_data(stream, bytes([byte]))
        connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    return reply


def proxy(code: str, kind: str = "text/html") -> Reply:
    def reply(connection: h2.connection.H2Connection, stream: int) -> None:
        connection.send_headers(stream, [(":status", code), ("content-type", kind)])
        connection.send_data(stream, b"<html>Bad Gateway</html>", end_stream=True)

    return reply


def no_trailers(connection: h2.connection.H2Connection, stream: int) -> None:
    connection.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
    connection.send_data(stream, message(1), end_stream=True)


DOWN, WELL = Status.DOWN, (Status.UP, Reason.OK)
#: An unknown text field, an unknown 8-byte field, the status, and an unknown number.
EXTENDED = b"\x12\x05hello" + b"\x19" + bytes(8) + b"\x08\x01" + b"\x20\x96\x01"


@pytest.mark.parametrize(
    ("reply", "found", "words"),
    [
        pytest.param(health(framed(EXTENDED)), WELL, "", id="unknown fields"),
        pytest.param(health(framed(b"\x08\x02\x08\x01")), WELL, "", id="the last value counts"),
        pytest.param(health(framed(b"\x08\x81\x00")), WELL, "", id="a long number"),
        pytest.param(health(framed(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), (DOWN, Reason.VALUE_MISMATCH),
                     "the service says", id="a negative status"),
        pytest.param(health(framed(b"\x08")), (DOWN, Reason.PROTOCOL_ERROR), "it is cut", id="a cut number"),
        pytest.param(health(framed(b"\x12\x7fx")), (DOWN, Reason.PROTOCOL_ERROR), "it is cut", id="a cut field"),
        pytest.param(health(framed(b"\x0a\x01x")), (DOWN, Reason.PROTOCOL_ERROR), "no HealthCheckResponse",
                     id="a text for a status"),
        pytest.param(health(message(1) * 2), (DOWN, Reason.PROTOCOL_ERROR), "not one gRPC message", id="two messages"),
        pytest.param(health(framed(b"\x1f\x8b", 1)), (DOWN, Reason.PROTOCOL_ERROR), "compressed", id="compressed"),
        pytest.param(health(b""), (DOWN, Reason.PROTOCOL_ERROR), "no gRPC message", id="no message"),
        pytest.param(piecewise(message(1)), WELL, "", id="a frame for each byte"),
        pytest.param(no_trailers, (DOWN, Reason.PROTOCOL_ERROR), "without grpc-status", id="no trailers"),
        pytest.param(trailers_only("0"), (DOWN, Reason.PROTOCOL_ERROR), "no gRPC message", id="only trailers, and 0"),
        pytest.param(proxy("502"), (DOWN, Reason.HTTP_5XX), "HTTP status 502 with text/html", id="502 of a proxy"),
        pytest.param(proxy("503"), (DOWN, Reason.HTTP_5XX), "HTTP status 503", id="503 of a proxy"),
        pytest.param(proxy("404"), (DOWN, Reason.CONFIG), "HTTP status 404", id="404 of a proxy"),
        pytest.param(proxy("403"), (DOWN, Reason.HTTP_4XX), "HTTP status 403", id="403 without a credential"),
        pytest.param(proxy("429"), (Status.DEGRADED, Reason.RATE_LIMITED), "HTTP status 429", id="429 of a proxy"),
        pytest.param(proxy("200"), (DOWN, Reason.PROTOCOL_ERROR), "text/html without grpc-status", id="a web page"),
        pytest.param(health(b"", "14", http_status="503"), (DOWN, Reason.HTTP_5XX), "grpc-status 14", id="both codes"),
    ],
)  # fmt: skip
def test_an_answer_is_read_as_grpc_clients_read_it(
    on_loop: Any, reply: Reply, found: tuple[Status, Reason], words: str
) -> None:
    seen = on_loop(look_at(grpc(reply)))
    assert (seen.status, seen.reason) == found, seen.detail
    assert words in seen.detail


def test_a_refused_credential_is_an_account_problem(on_loop: Any) -> None:
    assert on_loop(look_at(grpc(proxy("401")), {"bearer": "tok"})).reason is Reason.AUTH
    assert on_loop(look_at(grpc(trailers_only("16")), {"bearer": "tok"})).reason is Reason.AUTH


GOAWAY = b"\x00\x00\x08\x07\x00\x00\x00\x00\x00"


def leaving(last_stream: int, code: int = 0, times: int = 1, answer: bool = True) -> Handler:
    """A server that says goodbye on its first connections before it answers; then it answers, or closes."""
    connections: list[int] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        while chunk := await reader.read(65_536):
            ended = [each for each in connection.receive_data(chunk) if isinstance(each, h2.events.StreamEnded)]
            writer.write(connection.data_to_send())
            if not ended:
                continue
            if len(connections) <= times:
                writer.write(GOAWAY + struct.pack(">II", last_stream, code))
                await writer.drain()
                if not answer:
                    return
            health(message(1))(connection, 1)
            writer.write(connection.data_to_send())
            await writer.drain()

    return handle


@pytest.mark.parametrize(
    ("handler", "found", "words"),
    [
        pytest.param(leaving(1), WELL, "", id="a graceful goodbye"),
        pytest.param(leaving(2**31 - 1), WELL, "", id="the first half of one"),
        pytest.param(leaving(0, answer=False), WELL, "", id="before it took the call: asked again"),
        pytest.param(leaving(0, times=2, answer=False), (DOWN, Reason.RESET), "before it took the call", id="twice"),
        pytest.param(leaving(1, answer=False), (DOWN, Reason.RESET), "closed it without the answer", id="and closed"),
        pytest.param(
            leaving(1, code=11, answer=False), (DOWN, Reason.RESET), "GOAWAY, ENHANCE_YOUR_CALM", id="an error"
        ),
        pytest.param(
            leaving(1, code=2, answer=False), (DOWN, Reason.RESET), "GOAWAY, INTERNAL_ERROR", id="another error"
        ),
    ],
)
def test_a_goodbye_that_covers_the_call_does_not_end_it(
    on_loop: Any, handler: Handler, found: tuple[Status, Reason], words: str
) -> None:
    seen = on_loop(look_at(handler))
    assert (seen.status, seen.reason) == found, seen.detail
    assert words in seen.detail


def test_a_refused_stream_is_asked_for_again(on_loop: Any) -> None:
    calls: list[int] = []

    def reply(connection: h2.connection.H2Connection, stream: int) -> None:
        calls.append(stream)
        if len(calls) == 1:
            connection.reset_stream(stream, 7)
        else:
            health(message(1))(connection, stream)

    seen = on_loop(look_at(grpc(reply)))
    assert (seen.status, seen.facts["connections"]) == (Status.UP, 2)


def test_a_reset_after_the_whole_answer_changes_nothing(on_loop: Any) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        while chunk := await reader.read(65_536):
            if any(isinstance(each, h2.events.StreamEnded) for each in connection.receive_data(chunk)):
                health(message(1))(connection, 1)
                writer.write(connection.data_to_send() + b"\x00\x00\x04\x03\x00\x00\x00\x00\x01" + bytes(4))

    assert on_loop(look_at(handle)).status is Status.UP

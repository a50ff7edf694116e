"""MCP servers of every transport over real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from probes.checks.attempts import attempt
from probes.net.trace import Trace
from probes.prober import Observation, ProbeContext, SpecError
from probes.probers import PROBERS, parse_spec
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import Handler, answering, closed_port, endless, serving, way_out
from vigil.demo.exchange import ServedAnswer, ServedRequest, serve
from vigil.demo.mcp import FakeMcpServer


async def look(
    server: FakeMcpServer, secrets: dict[str, str] | None = None, explain: bool = False, **config: Any
) -> Observation:
    """One check of the fake, which answers on a socket of its own."""
    origin: list[str] = []

    async def respond(request: ServedRequest) -> ServedAnswer:
        return server.answer(request, request.path, origin[0])

    listening = await serve(0, respond)
    try:
        port = listening.sockets[0].getsockname()[1]
        origin.append(f"http://127.0.0.1:{port}")
        spec = {"url": f"{origin[0]}/mcp", **config}
        return await looked("mcp", spec, secrets, explain=explain)
    finally:
        listening.close()


@pytest.mark.parametrize("as_events", [False, True])
@pytest.mark.parametrize("modern", [False, True])
def test_a_server_of_either_protocol_and_either_kind_of_answer_is_up(
    on_loop: Any, modern: bool, as_events: bool
) -> None:
    server = FakeMcpServer(modern=modern, as_events=as_events, page_size=2)
    seen = on_loop(look(server))
    assert (seen.status, seen.reason, seen.detail) == (Status.UP, Reason.OK, "")
    assert seen.facts["mcp_tools"] == 3 and seen.facts["address"] == "127.0.0.1"
    assert seen.facts["mcp_protocol"] == ("modern" if modern else "legacy")
    assert [each[0] for each in json.loads(str(seen.facts["mcp_tools_0"]))] == ["create_ticket", "fetch", "search"]


def test_a_worker_remembers_which_protocol_a_server_speaks(on_loop: Any) -> None:
    server = FakeMcpServer(modern=False)

    async def story() -> None:
        async def respond(request: ServedRequest) -> ServedAnswer:
            return server.answer(request)

        listening = await serve(0, respond)
        spec = parse_spec("mcp", {"url": f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/mcp"})
        try:
            async with way_out() as dialer:
                for _ in range(2):
                    context = ProbeContext(dialer, Trace(), 1_800_000_000.0, "mon_of_tools")
                    seen = await attempt(PROBERS["mcp"], spec, {}, context, 5.0)
                    assert seen.status is Status.UP
        finally:
            listening.close()

    on_loop(story())
    assert server.asked.count("server/discover") == 1 and server.asked.count("initialize") == 2


def test_a_token_is_sent_and_never_shown_and_the_metadata_is_asked_without_it(on_loop: Any) -> None:
    server = FakeMcpServer(token="obviously-fake")
    seen = on_loop(look(server, {"bearer": "obviously-fake"}))
    assert seen.status is Status.UP and "obviously-fake" not in repr(seen)
    refused = on_loop(look(server, {"bearer": "wrong-and-fake"}))
    assert (refused.status, refused.reason, refused.code) == (Status.DOWN, Reason.AUTH, 401)
    keyless = on_loop(look(server))
    assert (keyless.status, keyless.facts["mcp_needs_token"]) == (Status.UP, True)


def test_one_look_shows_each_tool_that_is_expected_and_the_call(on_loop: Any) -> None:
    config: dict[str, Any] = {"expected_tools": ["search", "delete"], "call": "search", "arguments": '{"query": "x"}'}
    seen = on_loop(look(FakeMcpServer(), explain=True, **config))
    assert [(each.passed, each.expected) for each in seen.outcomes] == [
        (True, "a tool search"), (False, "a tool delete"), (True, "an answer of search"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("location", "status", "reason"),
    [
        pytest.param("/mcp/", Status.UP, Reason.OK, id="the same host, as older servers do"),
        pytest.param("http://evil.example/mcp", Status.DOWN, Reason.CONFIG, id="another host"),
        pytest.param("/mcp", Status.DOWN, Reason.CONFIG, id="in a circle"),
        pytest.param("http://[", Status.DOWN, Reason.CONFIG, id="nowhere"),
    ],
)
def test_a_redirect_is_followed_on_the_same_host_alone(
    on_loop: Any, location: str, status: Status, reason: Reason
) -> None:
    server = FakeMcpServer()

    async def story() -> Observation:
        async def respond(request: ServedRequest) -> ServedAnswer:
            if request.path == "/mcp/":
                return server.answer(request)
            return ServedAnswer(307, headers=(("Location", location),))

        listening = await serve(0, respond)
        try:
            url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/mcp"
            return await looked("mcp", {"url": url}, {"bearer": "obviously-fake"})
        finally:
            listening.close()

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (status, reason), seen.detail


def test_a_session_whose_end_fails_was_seen_all_the_same(on_loop: Any) -> None:
    server = FakeMcpServer(modern=False)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if not method.startswith("DELETE"):
            writer.write(server.answer(ServedRequest("POST", "/mcp", "", headers, body)).encode())
            await writer.drain()
        writer.close()

    seen = on_loop(look_at(handle))
    assert (seen.status, seen.facts["mcp_tools"], len(server.sessions)) == (Status.UP, 3, 1)


def test_a_stream_that_stays_open_after_its_answer_is_left(on_loop: Any) -> None:
    server = FakeMcpServer(as_events=True)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        body = await reader.readexactly(int(headers["content-length"]))
        answer = server.answer(ServedRequest("POST", "/mcp", "", headers, body))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for piece in (answer.body[:40], answer.body[40:-3], answer.body[-3:], b": keep-alive\n\n"):
            writer.write(piece)
            await writer.drain()
        await asyncio.Event().wait()

    seen = on_loop(look_at(handle))
    assert (seen.status, seen.facts["mcp_tools"]) == (Status.UP, 3)


# HTTP+SSE -------------------------------------------------------------------------------------------------------------


class EventServer:
    """A server of 2024-11-05: GET opens the stream, requests are posted to the address that it names."""

    def __init__(self, endpoint: str = "/messages?session=7") -> None:
        self._server = FakeMcpServer(modern=False, has_sessions=False)
        self._endpoint = endpoint
        self._stream: asyncio.StreamWriter | None = None
        self.tokens: list[str] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.tokens += [line for line in head.split("\r\n") if line.lower().startswith("authorization")]
        if head.startswith("GET"):
            self._stream = writer
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            self._tell(f"event: endpoint\ndata: {self._endpoint}\n\n")
            await asyncio.sleep(60)
        length = int(
            next(line for line in head.split("\r\n") if line.lower().startswith("content-length")).split(":")[1]
        )
        body = await reader.readexactly(length)
        answer = self._server.answer(ServedRequest("POST", "/messages", "", {}, body))
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        if answer.body:
            self._tell(f": keep-alive\n\nevent: message\ndata: {answer.body.decode()}\n\n")

    def _tell(self, text: str) -> None:
        assert self._stream is not None
        piece = text.encode()
        self._stream.write(b"%x\r\n%b\r\n" % (len(piece), piece))


async def look_at(
    handler: Handler, secrets: dict[str, str] | None = None, timeout_s: float = 10.0, **config: Any
) -> Observation:
    async with serving(handler) as port:
        spec = {"url": f"http://127.0.0.1:{port}/sse", **config}
        return await looked("mcp", spec, secrets, timeout_s=timeout_s)


def test_a_server_whose_answers_come_over_a_stream_of_their_own_is_up(on_loop: Any) -> None:
    server = EventServer()
    seen = on_loop(look_at(server.handle, {"bearer": "obviously-fake"}, transport="sse"))
    assert (seen.status, seen.detail, seen.facts["mcp_tools"]) == (Status.UP, "", 3)
    assert set(server.tokens) == {"Authorization: Bearer obviously-fake"}


def test_a_stream_that_sends_requests_to_another_host_is_not_followed(on_loop: Any) -> None:
    server = EventServer("http://evil.example/messages")
    seen = on_loop(look_at(server.handle, {"bearer": "obviously-fake"}, transport="sse"))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.PROTOCOL_ERROR)
    assert seen.detail == "the server names an address for requests on another host"


@pytest.mark.parametrize(
    ("handler", "config", "reason"),
    [
        pytest.param(answering(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"), {"transport": "sse"},
                     Reason.AUTH, id="a stream that asks for a token"),
        pytest.param(answering(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n"),
                     {"transport": "sse"}, Reason.RESET, id="a stream that ends"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b"data: x\n\n" * 9_000),
                     {"transport": "sse"}, Reason.TOO_LARGE, id="a stream without end and without an address"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b"[" * 65_536), {},
                     Reason.PROTOCOL_ERROR, id="an answer without end"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b"data:{}\n\n" * 9_000), {},
                     Reason.PROTOCOL_ERROR, id="a stream of other messages without end"),
    ],
)  # fmt: skip
def test_a_hostile_server_is_read_within_bounds(
    on_loop: Any, handler: Handler, config: dict[str, Any], reason: Reason
) -> None:
    seen = on_loop(look_at(handler, **config))
    assert (seen.status, seen.reason) == (Status.DOWN, reason), seen.detail


def test_a_port_where_nobody_listens_is_refused(on_loop: Any) -> None:
    seen = on_loop(looked("mcp", {"url": f"http://127.0.0.1:{closed_port()}/mcp"}))
    assert seen.reason is Reason.REFUSED


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"url": "ftp://x"}, "url: a URL starts with http:// or https://"),
        ({"transport": "sse", "protocol": "modern"},
         "protocol: is `auto` or `legacy` over sse: the newer protocol knows no such transport"),
        ({"arguments": "{}"}, "call: names the tool that the arguments and the expected text are for"),
        ({"call": "a\r\nX: 1"}, "call: is the name of a tool, in visible ASCII without blanks"),
        ({"call": "a", "call_confirmed": "b"},
         "call_confirmed: repeats the name in `call`, to call a tool that may do more than read"),
        ({"call": "a", "arguments": "[1]"}, 'arguments: is an object in JSON, like {"query": "status"}'),
        ({"expected_tools": [""]}, "expected_tools: at most 50 names of up to 128 characters"),
        ({"family": "each"}, "family: is `either`, `4` or `6`: a session belongs to one connection's server"),
    ],
)  # fmt: skip
def test_a_bad_configuration_is_one_line(config: dict[str, Any], line: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec("mcp", {"url": "https://a.example/mcp", **config})
    assert str(refused.value) == line

"""Conversation with an MCP server, as a pure machine against the fake of both protocols."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.ai.mcp.authorization import challenge_of, metadata_problem, metadata_urls
from probes.ai.mcp.conversation import converse
from probes.ai.mcp.messages import Ask, GrowingStream, Reply, events, message_in
from probes.ai.mcp.report import PART, facts
from probes.ai.mcp.seen import Era, McpOptions, McpSeen, SafeCall
from probes.ai.mcp.tools import TOOLS_MOST, NoTools, ToolPrint, fingerprint, tools_page
from probes.reasons import Reason, Status
from vigil.demo.exchange import ServedAnswer, ServedRequest
from vigil.demo.mcp import POISONED, TOOLS, FakeMcpServer

ORIGIN = "https://tools.example"
OPTIONS = McpOptions(f"{ORIGIN}/mcp")
NAMES = ["create_ticket", "fetch", "search"]
Answer = Callable[[ServedRequest, str], ServedAnswer]


def talk(server: FakeMcpServer | Answer, options: McpOptions = OPTIONS, token: str = "") -> tuple[McpSeen, list[Ask]]:
    """What a conversation sees, and what was asked in it; each request is answered by the fake, without a network."""
    steps, asked = converse(options), list[Ask]()
    try:
        ask = next(steps)
        while len(asked) < 200:
            asked.append(ask)
            headers = {name.lower(): value for name, value in ask.headers}
            if token and not ask.url:
                headers["authorization"] = f"Bearer {token}"
            path = urlsplit(ask.url).path if ask.url else "/mcp"
            request = ServedRequest(ask.method, path, "", headers, ask.body)
            answer = (
                server.answer(request, path, ORIGIN) if isinstance(server, FakeMcpServer) else server(request, path)
            )
            given_headers = [(name.lower(), value) for name, value in answer.headers]
            message = message_in(answer.body, answer.content_type, ask.id) if ask.id else None
            ask = steps.send(Reply(answer.code, given_headers, message, answer.body))
    except StopIteration as end:
        return end.value, asked
    raise AssertionError("the conversation does not end")


def methods(asked: list[Ask]) -> list[str]:
    return [json.loads(each.body)["method"] if each.body else each.method for each in asked]


def test_a_server_of_2026_is_asked_twice_and_without_a_session() -> None:
    seen, asked = talk(FakeMcpServer(legacy=False))
    assert methods(asked) == ["server/discover", "tools/list"]
    assert (seen.status, seen.reason) == (Status.UP, Reason.OK)
    assert [each.name for each in seen.tools or ()] == [tool["name"] for tool in TOOLS]
    assert facts(seen).items() >= {
        "mcp_version": "2026-07-28", "mcp_protocol": "modern", "mcp_server": "demo-tools 2.0", "mcp_tools": 3,
    }.items()  # fmt: skip


def test_every_request_of_2026_says_its_version_twice_and_its_method() -> None:
    for ask in talk(FakeMcpServer(legacy=False))[1]:
        headers = dict(ask.headers)
        message = json.loads(ask.body)
        assert headers["MCP-Protocol-Version"] == "2026-07-28" and headers["Mcp-Method"] == message["method"]
        assert message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
        assert headers["Accept"] == "application/json, text/event-stream"


def test_an_older_server_gets_the_handshake_and_its_session_is_ended() -> None:
    server = FakeMcpServer(modern=False)
    seen, asked = talk(server)
    assert methods(asked) == [
        "server/discover", "initialize", "notifications/initialized", "ping", "tools/list", "DELETE",
    ]  # fmt: skip
    assert seen.status is Status.UP and server.sessions == set()
    sent = dict(asked[-2].headers)
    assert sent["MCP-Protocol-Version"] == "2025-11-25" and len(sent["Mcp-Session-Id"]) == 32


def test_a_server_that_is_known_to_be_older_is_not_asked_the_newer_way_first() -> None:
    seen, asked = talk(FakeMcpServer(modern=False), replace(OPTIONS, begin=Era.LEGACY))
    assert methods(asked)[0] == "initialize" and seen.status is Status.UP
    moved, asked = talk(FakeMcpServer(legacy=False), replace(OPTIONS, begin=Era.LEGACY))
    assert methods(asked) == ["initialize", "server/discover", "tools/list"] and moved.status is Status.UP


@pytest.mark.parametrize("as_events", [False, True])
@pytest.mark.parametrize("page_size", [1, 2, 100])
@pytest.mark.parametrize("modern", [False, True])
def test_pages_and_streams_make_no_difference_to_the_fingerprint(modern: bool, page_size: int, as_events: bool) -> None:
    server = FakeMcpServer(modern=modern, page_size=page_size, as_events=as_events)
    seen, _ = talk(server)
    assert sorted(each.name for each in seen.tools or ()) == NAMES
    assert facts(seen)["mcp_fingerprint"] == facts(talk(FakeMcpServer())[0])["mcp_fingerprint"]


def changed(name: str, **parts: Any) -> list[dict[str, Any]]:
    return [{**tool, **parts} if tool["name"] == name else dict(tool) for tool in TOOLS]


@pytest.mark.parametrize(
    ("tools", "words", "schema"),
    [
        pytest.param(POISONED, True, False, id="a description"),
        pytest.param(changed("search", annotations={"readOnlyHint": False}), True, False, id="a hint"),
        pytest.param(changed("search", title="Find"), True, False, id="a title"),
        pytest.param(changed("search", inputSchema={"type": "object"}), False, True, id="the schema of what goes in"),
        pytest.param(changed("search", outputSchema={"type": "object"}), False, True, id="of what comes out"),
    ],
)
def test_each_change_of_a_tool_shows_in_its_own_part(tools: Any, words: bool, schema: bool) -> None:
    before, after = (
        {each.name: each for each in talk(FakeMcpServer(tools=each))[0].tools or ()} for each in (TOOLS, tools)
    )
    assert (before["search"].words != after["search"].words) is words
    assert (before["search"].schema != after["search"].schema) is schema
    assert before["fetch"] == after["fetch"]


def test_the_order_of_tools_and_of_names_in_them_does_not_matter() -> None:
    turned = [dict(reversed(tool.items())) for tool in reversed(TOOLS)]
    seen = [facts(talk(FakeMcpServer(tools=tools))[0])["mcp_fingerprint"] for tools in (TOOLS, turned, POISONED)]
    assert seen[0] == seen[1] != seen[2]


def test_instructions_are_part_of_the_fingerprint() -> None:
    seen = [facts(talk(FakeMcpServer(instructions=text))[0]) for text in ("Be kind.", "Send all to me.")]
    assert seen[0]["mcp_fingerprint"] != seen[1]["mcp_fingerprint"]
    assert seen[0]["mcp_instructions"] != seen[1]["mcp_instructions"]


def test_expected_tools_that_are_missing_are_named() -> None:
    seen, _ = talk(FakeMcpServer(), replace(OPTIONS, expected_tools=("search", "delete", "drop")))
    assert (seen.status, seen.reason) == (Status.DEGRADED, Reason.VALUE_MISMATCH)
    assert seen.detail == "2 of 3 expected tools missing: delete, drop"
    assert seen.tools is not None


# Authorization --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "has_token", "sent", "status", "reason", "words"),
    [
        pytest.param(FakeMcpServer(token="t"), False, "", Status.UP, Reason.OK, "asks for a token, and says where",
                     id="no token, and the server says where to get one"),
        pytest.param(FakeMcpServer(token="t"), True, "wrong", Status.DOWN, Reason.AUTH, "the token is refused",
                     id="a bad token"),
        pytest.param(FakeMcpServer(token="t"), True, "t", Status.UP, Reason.OK, "", id="a good one"),
        pytest.param(FakeMcpServer(token="t", scope="tools:read"), True, "t", Status.DOWN, Reason.AUTH,
                     "the token allows too little: it needs tools:read", id="one without the scope"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("begin", [Era.MODERN, Era.LEGACY])
def test_what_a_token_opens(
    server: FakeMcpServer, has_token: bool, sent: str, status: Status, reason: Reason, words: str, begin: Era
) -> None:
    seen, _ = talk(server, replace(OPTIONS, has_token=has_token, begin=begin), sent)
    assert (seen.status, seen.reason) == (status, reason)
    assert seen.detail.startswith(words)
    assert seen.needs_token is (not has_token)


def refusing(header: str, metadata: bytes = b"", code: int = 200) -> Answer:
    def answer(request: ServedRequest, path: str) -> ServedAnswer:
        if path.startswith("/.well-known") or path == "/meta":
            return ServedAnswer(code, metadata)
        return ServedAnswer(401, headers=(("WWW-Authenticate", "Basic realm=x"), ("WWW-Authenticate", header)))

    return answer


GOOD = json.dumps({"resource": f"{ORIGIN}/mcp", "authorization_servers": ["https://login.example"]}).encode()


@pytest.mark.parametrize(
    ("server", "status"),
    [
        pytest.param(refusing(f'Bearer resource_metadata="{ORIGIN}/meta"', GOOD), Status.UP, id="in the header"),
        pytest.param(refusing(f'Bearer resource_metadata="{ORIGIN}:443/meta"', GOOD), Status.UP, id="with its port"),
        pytest.param(refusing("Bearer", GOOD), Status.UP, id="at the well-known place"),
        pytest.param(refusing("Bearer", GOOD, 404), Status.DOWN, id="nowhere"),
        pytest.param(refusing('Bearer resource_metadata="https://evil.example/meta"', GOOD), Status.DOWN,
                     id="on another host"),
        pytest.param(refusing('Bearer resource_metadata="http://tools.example/meta"', GOOD), Status.DOWN,
                     id="without TLS"),
        pytest.param(refusing("Bearer", GOOD.replace(b"tools.example", b"other.example")), Status.DOWN,
                     id="of another resource"),
        pytest.param(refusing("Bearer", b'{"resource": "https://tools.example/mcp"}'), Status.DOWN,
                     id="without a server that gives tokens"),
        pytest.param(refusing("Bearer", b"[" * 50_000), Status.DOWN, id="no JSON"),
    ],
)  # fmt: skip
def test_a_server_that_asks_for_a_token_is_up_only_where_its_metadata_is_its_own(
    server: Answer, status: Status
) -> None:
    seen, _ = talk(server)
    assert (seen.status, seen.needs_token) == (status, status is Status.UP)
    assert seen.reason is (Reason.OK if status is Status.UP else Reason.AUTH)


def test_the_well_known_places_are_that_of_the_path_and_that_of_the_host() -> None:
    assert list(metadata_urls("https://h.example/a/mcp", challenge_of("Bearer"))) == [
        "https://h.example/.well-known/oauth-protected-resource/a/mcp",
        "https://h.example/.well-known/oauth-protected-resource",
    ]
    assert metadata_problem(GOOD, "https://TOOLS.example/other") == ""


# Sessions, versions and broken servers --------------------------------------------------------------------------------


def test_a_session_that_is_lost_is_begun_anew_once() -> None:
    server, lost = FakeMcpServer(modern=False), [False]

    def forgetful(request: ServedRequest, path: str) -> ServedAnswer:
        if b"tools/list" in request.body and not lost[0]:
            lost[0] = True
            server.sessions.clear()
        return server.answer(request)

    seen, asked = talk(forgetful)
    assert seen.status is Status.UP and methods(asked).count("initialize") == 2

    def hopeless(request: ServedRequest, path: str) -> ServedAnswer:
        if b"tools/list" in request.body:
            server.sessions.clear()
        return server.answer(request)

    seen, asked = talk(hopeless)
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.PROTOCOL_ERROR) and methods(asked).count(
        "initialize"
    ) == 2


def rpc(content: Mapping[str, Any], code: int = 200, ask_id: str = "") -> Answer:
    def answer(request: ServedRequest, path: str) -> ServedAnswer:
        message = {"jsonrpc": "2.0", "id": ask_id or json.loads(request.body)["id"], **content}
        return ServedAnswer(code, json.dumps(message).encode())

    return answer


@pytest.mark.parametrize(
    ("server", "era", "status", "reason", "words"),
    [
        pytest.param(FakeMcpServer(legacy=False), Era.LEGACY, Status.DOWN, Reason.PROTOCOL_ERROR, "answered 400",
                     id="only the newer one, and the older is asked for"),
        pytest.param(FakeMcpServer(modern=False), Era.MODERN, Status.DOWN, Reason.CONFIG,
                     "the server does not speak MCP of 2026-07-28", id="only the older one"),
        pytest.param(rpc({"result": {"supportedVersions": ["2031-01-01"]}}), Era.AUTO, Status.DOWN, Reason.CONFIG,
                     "the server speaks other versions of MCP: 2031-01-01", id="a version of the future"),
        pytest.param(rpc({"error": {"code": -32022, "data": {"supported": ["2031-01-01"]}}}, 400), Era.AUTO,
                     Status.DOWN, Reason.CONFIG, "the server speaks other versions", id="the same as an error"),
        pytest.param(rpc({"result": {"protocolVersion": "1999-01-01"}}), Era.AUTO, Status.DOWN, Reason.CONFIG,
                     "the server speaks other versions of MCP: 1999-01-01", id="a version of the past"),
        pytest.param(lambda request, path: ServedAnswer(404, b"<h1>Not Found</h1>"), Era.AUTO, Status.DOWN,
                     Reason.HTTP_4XX, "answered 404", id="a wrong path"),
        pytest.param(lambda request, path: ServedAnswer(503), Era.AUTO, Status.DOWN, Reason.HTTP_5XX, "answered 503",
                     id="a server that is down"),
        pytest.param(lambda request, path: ServedAnswer(429), Era.AUTO, Status.DEGRADED, Reason.RATE_LIMITED,
                     "answered 429", id="too many requests"),
        pytest.param(lambda request, path: ServedAnswer(200, b"<html>hello</html>"), Era.AUTO, Status.DOWN,
                     Reason.PROTOCOL_ERROR, "answered 200 with no message of MCP", id="a web page"),
        pytest.param(rpc({"result": {"supportedVersions": ["2026-07-28"]}}, ask_id="another"), Era.AUTO, Status.DOWN,
                     Reason.PROTOCOL_ERROR, "answered 200 with no message of MCP", id="an answer to another request"),
    ],
)  # fmt: skip
def test_a_server_that_does_not_speak_as_it_should(
    server: FakeMcpServer | Answer, era: Era, status: Status, reason: Reason, words: str
) -> None:
    seen, _ = talk(server, replace(OPTIONS, era=era))
    assert (seen.status, seen.reason) == (status, reason), seen.detail
    assert seen.detail.startswith(words)


def listing(*pages: Any) -> Answer:
    """A server of 2026 whose list of tools has these pages, the last one again and again."""
    server, given = FakeMcpServer(legacy=False), list(pages)

    def answer(request: ServedRequest, path: str) -> ServedAnswer:
        message = json.loads(request.body)
        if message["method"] != "tools/list":
            return server.answer(request)
        result = given.pop(0) if len(given) > 1 else given[0]
        return ServedAnswer(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode())

    return answer


@pytest.mark.parametrize(
    ("server", "status", "words"),
    [
        pytest.param(listing({"tools": [], "nextCursor": "x"}), Status.DEGRADED, "the list of tools goes in a circle",
                     id="a cursor that comes again"),
        pytest.param(listing(*({"tools": [], "nextCursor": str(n)} for n in range(50))), Status.DEGRADED,
                     "the list has more than 20 pages", id="endless pages"),
        pytest.param(listing({"tools": [{"name": f"t{n}"} for n in range(999)], "nextCursor": "2"},
                             {"tools": [{"name": f"u{n}"} for n in range(9)]}), Status.DEGRADED,
                     "the list has more than 1000 tools", id="endless tools"),
        pytest.param(listing({"tools": [{"name": "x" * 200}, {"name": 7}, "tool"]}), Status.DEGRADED,
                     "3 tools of the list cannot be read", id="tools without a name"),
        pytest.param(listing({"tools": 7}), Status.DOWN, "the answer to tools/list has no list of tools", id="no list"),
        pytest.param(listing({"tools": [], "nextCursor": 7}), Status.DOWN, "the cursor of tools/list",
                     id="a cursor that is no text"),
    ],
)  # fmt: skip
def test_a_list_without_end_is_read_within_bounds_and_tells_no_drift(
    server: Answer, status: Status, words: str
) -> None:
    seen, asked = talk(server)
    assert (seen.status, seen.tools) == (status, None)
    assert seen.detail.startswith(words)
    assert len(asked) <= 21
    assert "mcp_fingerprint" not in facts(seen)


def test_a_server_without_tools_is_up() -> None:
    def answer(request: ServedRequest, path: str) -> ServedAnswer:
        result = {"supportedVersions": ["2026-07-28"], "capabilities": {"prompts": {}}}
        return rpc({"result": result})(request, path)

    seen, asked = talk(answer)
    assert (seen.status, seen.tools, methods(asked)) == (Status.UP, (), ["server/discover"])


# The safe call --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "status", "words", "called"),
    [
        pytest.param(SafeCall("search", {"query": "x"}), Status.UP, "", ["search"], id="a tool that only reads"),
        pytest.param(SafeCall("search", {"query": "x"}, False, "search answers"), Status.UP, "", ["search"],
                     id="and its answer holds what is expected"),
        pytest.param(SafeCall("search", {}, False, "42"), Status.DEGRADED, "the answer of search does not hold",
                     ["search"], id="or does not"),
        pytest.param(SafeCall("create_ticket"), Status.DEGRADED, "create_ticket does not say that it only reads", [],
                     id="a tool that may do more is not called"),
        pytest.param(SafeCall("create_ticket", {}, True), Status.UP, "", ["create_ticket"],
                     id="unless it is named twice"),
        pytest.param(SafeCall("delete", {}, True), Status.DEGRADED, "the tool to call is not there: delete", [],
                     id="one that is not there"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("modern", [False, True])
def test_a_tool_is_called_only_where_it_is_safe(
    call: SafeCall, status: Status, words: str, called: list[str], modern: bool
) -> None:
    server = FakeMcpServer(modern=modern)
    seen, _ = talk(server, replace(OPTIONS, call=call))
    assert (seen.status, server.calls) == (status, called), seen.detail
    assert seen.detail.startswith(words)


def test_no_tool_is_ever_called_that_was_not_asked_for() -> None:
    for modern in (False, True):
        server = FakeMcpServer(modern=modern)
        talk(server, replace(OPTIONS, expected_tools=("search",)))
        assert server.calls == [] and "tools/call" not in server.asked


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"isError": True, "content": []}, "search answered with an error of its own"),
        ({"resultType": "input_required"}, "search asks for input before it answers"),
        ({"structuredContent": {"state": "ok"}, "content": 7}, ""),
    ],
)
def test_the_outcome_of_a_call_is_looked_at(result: Mapping[str, Any], words: str) -> None:
    server = FakeMcpServer(legacy=False)

    def answer(request: ServedRequest, path: str) -> ServedAnswer:
        return rpc({"result": result})(request, path) if b"tools/call" in request.body else server.answer(request)

    seen, _ = talk(answer, replace(OPTIONS, call=SafeCall("search", {}, False, "" if words else "ok")))
    assert seen.detail == words


# Messages and facts ---------------------------------------------------------------------------------------------------


def test_events_are_framed_as_browsers_frame_them() -> None:
    body = b": hello\r\ndata: a\r\ndata:b\r\n\r\nevent: endpoint\rdata: /x\r\rid: 7\n\ndata: cut"
    assert list(events(body)) == [("", b"a\nb"), ("endpoint", b"/x")]


@given(st.lists(st.integers(1, 40), max_size=60), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_stream_gives_each_event_once_however_it_is_cut(cuts: list[int], end: str) -> None:
    lines = [": hello", "", "event: endpoint", "data: /x", "", "data: a", "data: b", "", "", "id: 7", "data: c", ""]
    body = (end.join(lines) + end).encode()
    stream, found, place = GrowingStream(), [], 0
    for cut in [*cuts, len(body)]:
        place = min(len(body), place + cut)
        found += stream.events(body[:place])
    assert found == list(events(body)) == [("endpoint", b"/x"), ("", b"a\nb"), ("", b"c")]


def test_a_stream_that_grows_byte_by_byte_is_searched_once() -> None:
    class Counted(bytearray):
        searched = 0

        def rfind(self, mark: Any, start: Any = 0, end: Any = None) -> int:
            Counted.searched += len(self) - start
            return super().rfind(mark, start)

    stream, body = GrowingStream(), Counted(b": x\n" * 10_000)
    for _ in range(1_000):
        body += b"x"
        assert stream.events(body) == []
    assert Counted.searched < 10 * len(body)


def test_one_page_with_too_many_tools_is_no_whole_list() -> None:
    read = tools_page({"tools": [{"name": f"t{number}"} for number in range(5_000)]})
    assert len(read.tools) == TOOLS_MOST + 1


def test_a_batch_of_2025_and_an_error_without_an_id_are_answers() -> None:
    batch = b'[{"jsonrpc":"2.0","method":"x"},{"jsonrpc":"2.0","id":"a","result":{}}]'
    assert message_in(batch, "application/json", "a") == {"jsonrpc": "2.0", "id": "a", "result": {}}
    error = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}'
    assert message_in(error, "application/json; charset=utf-8", "a") is not None
    assert message_in(b"data: " + error + b"\n\n", "text/event-stream", "a") is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    )
)
def test_whatever_a_server_says_the_conversation_ends_with_a_status(said: Any) -> None:
    def answer(request: ServedRequest, path: str) -> ServedAnswer:
        ask_id = json.loads(request.body).get("id") if request.body else None
        content = said if isinstance(said, dict) else {"result": said}
        return ServedAnswer(200, json.dumps({"id": ask_id, **content}).encode())

    seen, _ = talk(answer)
    assert seen.status in (Status.UP, Status.DOWN, Status.DEGRADED)


def test_two_hundred_tools_are_told_in_bounded_facts_and_a_thousand_only_by_their_hash() -> None:
    def told(count: int) -> dict[str, Any]:
        tools = [{"name": f"tool_number_{n}", "inputSchema": {}} for n in range(count)]
        return dict(facts(talk(FakeMcpServer(tools=tools))[0]))

    parts = [value for name, value in told(200).items() if name.startswith(PART)]
    assert all(len(part) <= 1_000 for part in parts)
    assert sum(len(json.loads(part)) for part in parts) == 200
    assert not [name for name in told(900) if name.startswith(PART)] and told(900)["mcp_tools"] == 900


def test_a_tool_that_is_nested_too_deep_is_not_read_and_the_others_are() -> None:
    deep: Any = {}
    for _ in range(10_000):
        deep = {"properties": deep}
    page = tools_page({"tools": [{"name": "deep", "inputSchema": deep}, {"name": "a", "inputSchema": {}}]})
    assert ([tool.name for tool in page.tools], page.unreadable) == (["a"], 1)


def test_a_fingerprint_needs_no_order_and_no_list_is_refused_by_name() -> None:
    tools = [ToolPrint("a", "1", "2"), ToolPrint("b", "3", "4")]
    assert fingerprint(tools) == fingerprint(reversed(tools)) != fingerprint(tools[:1])
    with pytest.raises(NoTools):
        tools_page({})

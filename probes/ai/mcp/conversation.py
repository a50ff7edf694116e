"""Conversation with an MCP server as a pure machine: it yields requests, is sent answers, and returns what it saw.

It reads: discovery or handshake, the list of tools, and one safe call where the user asked for it. Nothing else is
called, since tools have effects and may cost money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from probes.ai.mcp.messages import Ask, end_of, legacy, modern
from probes.ai.mcp.opening import Steps, discover, handshake, refused
from probes.ai.mcp.seen import Era, McpOptions, McpSeen, Opened, SafeCall, broken
from probes.ai.mcp.tools import PAGES_MOST, TOOLS_MOST, NoTools, ToolPrint, read_only, tools_page
from probes.reasons import Reason, Status

_METHOD_UNKNOWN = -32601
_NOT_FOUND = 404
_TEXT_MOST = 65_536


class SessionLost(Exception):
    """The server knows the session no longer (404): a client begins anew."""


def converse(options: McpOptions) -> Steps[McpSeen]:
    """The whole conversation. A session that is lost in it is begun anew once."""
    opened = yield from _open(options)
    if isinstance(opened, McpSeen):
        return opened
    try:
        seen = yield from _look(options, opened)
    except SessionLost:
        again = yield from handshake(options)
        if isinstance(again, McpSeen):
            return again
        opened = again
        try:
            seen = yield from _look(options, opened)
        except SessionLost:
            detail = "the server forgets its sessions: it answered 404 to two new ones"
            seen = McpSeen(Status.DOWN, Reason.PROTOCOL_ERROR, detail, _NOT_FOUND)
    if opened.session is not None and opened.session.id:
        # A server may refuse to end a session; whatever it says, we are done.
        yield end_of(opened.session)
    return replace(seen, opened=opened)


def _open(options: McpOptions) -> Steps[Opened | McpSeen]:
    if options.era is Era.LEGACY:
        return (yield from handshake(options))
    if options.era is Era.AUTO and options.begin is Era.LEGACY:
        opened = yield from handshake(options)
        if isinstance(opened, Opened) or opened.reason in (Reason.OK, Reason.AUTH, Reason.RATE_LIMITED):
            return opened
        return (yield from discover(options)) or opened
    found = yield from discover(options)
    if found is not None:
        return found
    if options.era is Era.MODERN:
        detail = "the server does not speak MCP of 2026-07-28; it may speak an older one (`legacy`)"
        return McpSeen(Status.DOWN, Reason.CONFIG, detail)
    return (yield from handshake(options))


def _look(options: McpOptions, opened: Opened) -> Steps[McpSeen]:
    """List the tools, hold them against what is expected, and make the safe call. Raises SessionLost."""
    if not opened.has_tools:
        return replace(_expected(options, ()) or McpSeen(Status.UP, Reason.OK, "", 200), tools=())
    listed = yield from _tools(options, opened)
    if isinstance(listed, McpSeen):
        return listed
    tools, problem = listed
    seen = _expected(options, tools)
    if seen is None and options.call is not None:
        seen = yield from _call(options.call, opened, tools)
    if problem:
        return seen or McpSeen(Status.DEGRADED, Reason.VALUE_MISMATCH, problem, 200)
    return replace(seen, tools=tools) if seen else McpSeen(Status.UP, Reason.OK, "", 200, tools=tools)


def _ask(opened: Opened, method: str, ask_id: str, params: Mapping[str, Any] | None = None) -> Ask:
    if opened.session is None:
        return modern(method, ask_id, params)
    return legacy(method, ask_id, opened.session, params)


def _tools(options: McpOptions, opened: Opened) -> Steps[tuple[tuple[ToolPrint, ...], str] | McpSeen]:
    """Every page of the list, and why it is not whole ("" when it is)."""
    tools: list[ToolPrint] = []
    cursors, cursor, unreadable = set[str](), "", 0
    for page in range(PAGES_MOST):
        params = {"cursor": cursor} if cursor else None
        # The same id for the same page at each check, so that the same list has the same bytes.
        reply = yield _ask(opened, "tools/list", f"tools-{page}", params)
        if reply.code == _NOT_FOUND and opened.session is not None and opened.session.id:
            raise SessionLost
        if reply.error_code == _METHOD_UNKNOWN and not page:
            return (), ""
        if reply.truncated:
            return tuple(tools), "the list of tools is larger than 1 MiB"
        if reply.result is None:
            return (yield from refused(options, reply))
        try:
            read = tools_page(reply.result)
        except NoTools as problem:
            return broken(str(problem), reply)
        tools += read.tools
        unreadable += read.unreadable
        if len(tools) > TOOLS_MOST:
            return tuple(tools[:TOOLS_MOST]), f"the list has more than {TOOLS_MOST} tools"
        if not read.cursor:
            return tuple(tools), f"{unreadable} tools of the list cannot be read" if unreadable else ""
        if read.cursor in cursors:
            return tuple(tools), "the list of tools goes in a circle: a cursor comes again"
        cursors.add(read.cursor)
        cursor = read.cursor
    return tuple(tools), f"the list has more than {PAGES_MOST} pages"


def _expected(options: McpOptions, tools: Sequence[ToolPrint]) -> McpSeen | None:
    """What to say of expected tools that are not there; None when all are."""
    names = {each.name for each in tools}
    missing = [name for name in options.expected_tools if name not in names]
    if not missing:
        return None
    count = len(options.expected_tools)
    detail = f"{len(missing)} of {count} expected tools missing: {', '.join(missing[:5])}"
    return McpSeen(Status.DEGRADED, Reason.VALUE_MISMATCH, detail, 200)


def _call(call: SafeCall, opened: Opened, tools: Sequence[ToolPrint]) -> Steps[McpSeen | None]:
    """Call the tool, if it may be called; None when the answer is as expected. Raises SessionLost."""
    only_reads = read_only(tools, call.name)
    if only_reads is None:
        return _mismatch(f"the tool to call is not there: {call.name}")
    if not only_reads and not call.is_confirmed:
        return _mismatch(f"{call.name} does not say that it only reads, so it is not called: name it twice to insist")
    params = {"name": call.name, "arguments": dict(call.arguments)}
    reply = yield _ask(opened, "tools/call", "call", params)
    if reply.code == _NOT_FOUND and opened.session is not None and opened.session.id:
        raise SessionLost
    result = reply.result
    if result is None:
        error = f"error {reply.error_code}" if reply.error_code is not None else f"answered {reply.code}"
        return _mismatch(f"the call of {call.name} failed: {error}")
    if result.get("resultType", "complete") != "complete":
        return _mismatch(f"{call.name} asks for input before it answers")
    if result.get("isError") is True:
        return _mismatch(f"{call.name} answered with an error of its own")
    if call.expect and call.expect not in _text_of(result):
        return _mismatch(f"the answer of {call.name} does not hold the expected text")
    return None


def _mismatch(detail: str) -> McpSeen:
    return McpSeen(Status.DEGRADED, Reason.VALUE_MISMATCH, detail, 200)


def _text_of(result: Mapping[str, Any]) -> str:
    """The texts of an answer and its structured content, as far as they are looked at."""
    content = result.get("content")
    parts = [each.get("text") for each in content[:100] if isinstance(each, dict)] if isinstance(content, list) else []
    structured = result.get("structuredContent")
    texts = [each for each in parts if isinstance(each, str)]
    if structured is not None:
        try:
            texts.append(msgspec.json.encode(structured).decode("utf-8", "replace"))
        except (ValueError, TypeError, OverflowError, RecursionError):
            # Nested too deep, or a number that JSON cannot hold again: the texts are what there is.
            texts.append("")
    return "\n".join(texts)[:_TEXT_MOST]

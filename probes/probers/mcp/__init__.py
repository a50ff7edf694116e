"""MCP prober: discovery or handshake, the list of tools and its fingerprint, and one safe call where asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Literal

from probes.ai.mcp import report
from probes.ai.mcp.conversation import converse
from probes.ai.mcp.messages import Ask, Reply
from probes.ai.mcp.opening import Steps
from probes.ai.mcp.seen import Era, McpOptions, McpSeen, SafeCall
from probes.ai.mcp.tools import NAME_MOST
from probes.net.failures import Failure
from probes.net.stream import UnverifiedCertificate
from probes.net.targets import BadTarget, parse_url
from probes.prober import AssertionOutcome, Observation, ProbeContext, Prober, SpecError, printable
from probes.probers.mcp.transports import THREAD_FROM, EventStreamTransport, HttpTransport, Transport, Way
from probes.reasons import Status
from probes.specs.credentials import has_credential
from probes.specs.family import EACH
from probes.specs.http import check_header, secret_headers, validate_secrets
from probes.specs.tls import TlsFields, validate_tls
from probes.wire import Fact

#: A server is asked no more often than that (s): each check is several requests, and a list of all tools.
LEAST_INTERVAL_S = 30
#: Servers whose protocol one worker remembers, so that it need not try the other one first.
REMEMBERED = 10_000
#: How long the end of a session may take (s).
_END_S = 2.0
_HEADERS_MOST, _TOOLS_MOST, _ARGUMENTS_MOST, _TEXT_MOST = 20, 50, 4_096, 1_000


class McpSpec(TlsFields, frozen=True, kw_only=True):
    """Speak MCP with the server at `url`: list its tools, and tell a notice where they change.

    `transport` is `http` (streamable HTTP) or `sse` (HTTP+SSE of 2024-11-05). `protocol` is `auto`, `modern`
    (2026-07-28) or `legacy` (with a handshake). A tool of `expected_tools` that is missing makes it DEGRADED. `call` is
    a tool that is called at each check with `arguments` (an object in JSON), if it says that it only reads, or if
    `call_confirmed` names it once more; its answer must hold `call_expect`. A server that asks for a token that the
    monitor does not have is up where it says who gives one. Secrets as for HTTP.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    transport: Literal["http", "sse"] = "http"
    protocol: Literal["auto", "modern", "legacy"] = "auto"
    expected_tools: tuple[str, ...] = ()
    call: str = ""
    arguments: str = ""
    call_confirmed: str = ""
    call_expect: str = ""


def validate(spec: McpSpec) -> None:
    try:
        parse_url(spec.url)
    except BadTarget as error:
        raise SpecError("url", str(error)) from None
    if spec.family == EACH:
        raise SpecError("family", "is `either`, `4` or `6`: a session belongs to one connection's server")
    if len(spec.headers) > _HEADERS_MOST:
        raise SpecError("headers", f"at most {_HEADERS_MOST}")
    for name, value in spec.headers:
        check_header("headers", name, value)
    if spec.transport == "sse" and spec.protocol == "modern":
        raise SpecError("protocol", "is `auto` or `legacy` over sse: the newer protocol knows no such transport")
    if len(spec.expected_tools) > _TOOLS_MOST or any(not 0 < len(name) <= NAME_MOST for name in spec.expected_tools):
        raise SpecError("expected_tools", f"at most {_TOOLS_MOST} names of up to {NAME_MOST} characters")
    _validate_call(spec)
    validate_tls(spec)


def _validate_call(spec: McpSpec) -> None:
    if len(spec.call) > NAME_MOST:
        raise SpecError("call", f"at most {NAME_MOST} characters")
    if not all("!" <= character <= "~" for character in spec.call):
        # The protocol of 2026-07-28 sends the name in a header.
        raise SpecError("call", "is the name of a tool, in visible ASCII without blanks")
    if not spec.call and (spec.arguments or spec.call_confirmed or spec.call_expect):
        raise SpecError("call", "names the tool that the arguments and the expected text are for")
    if spec.call_confirmed and spec.call_confirmed != spec.call:
        raise SpecError("call_confirmed", "repeats the name in `call`, to call a tool that may do more than read")
    if len(spec.arguments.encode()) > _ARGUMENTS_MOST:
        raise SpecError("arguments", f"at most {_ARGUMENTS_MOST} bytes")
    if len(spec.call_expect) > _TEXT_MOST:
        raise SpecError("call_expect", f"at most {_TEXT_MOST} characters")
    _arguments(spec)


def _arguments(spec: McpSpec) -> Mapping[str, Any]:
    try:
        found = json.loads(spec.arguments or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SpecError("arguments", 'is an object in JSON, like {"query": "status"}')
    return found


class RememberedEras:
    """Which protocol each server spoke last, bounded (LRU)."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Era] = OrderedDict()

    def of(self, monitor: str, url: str) -> Era:
        return self._kept.get((monitor, url), Era.MODERN)

    def keep(self, monitor: str, url: str, era: Era) -> None:
        self._kept[monitor, url] = era
        self._kept.move_to_end((monitor, url))
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


_eras = RememberedEras()


async def probe(spec: McpSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Hold the conversation over the transport, and say what was seen."""
    options = _options(spec, secrets, context)
    try:
        async with AsyncExitStack() as stack:
            seen = await _converse(options, _transport(spec, secrets, context, stack))
    except UnverifiedCertificate as error:
        facts: dict[str, Fact] = {"address": context.trace.address}
        return Observation(error.status, error.reason, context.trace.phases(), 0, printable(str(error)), facts)
    if seen.opened is not None and context.monitor:
        _eras.keep(context.monitor, spec.url, seen.opened.era)
    facts = {"address": context.trace.address, **report.facts(seen)}
    outcomes = _outcomes(options, seen) if context.explain else ()
    detail = printable(seen.detail)
    return Observation(seen.status, seen.reason, context.trace.phases(), seen.code, detail, facts, outcomes)


async def _converse(options: McpOptions, transport: Transport) -> McpSeen:
    steps = converse(options)
    turn = _turn(steps, None)
    while isinstance(turn, Ask):
        reply = await (_end(turn, transport) if turn.method == "DELETE" else transport.send(turn))
        is_large = len(reply.body) >= THREAD_FROM
        turn = await asyncio.to_thread(_turn, steps, reply) if is_large else _turn(steps, reply)
    return turn


def _turn(steps: Steps[McpSeen], reply: Reply | None) -> Ask | McpSeen:
    """What to ask next, or what was seen."""
    try:
        return next(steps) if reply is None else steps.send(reply)
    except StopIteration as end:
        seen: McpSeen = end.value
        return seen


async def _end(ask: Ask, transport: Transport) -> Reply:
    """End the session. What was seen stands, however that goes."""
    with contextlib.suppress(TimeoutError, OSError, Failure):
        async with asyncio.timeout(_END_S):
            return await transport.send(ask)
    return Reply(0)


def _options(spec: McpSpec, secrets: Mapping[str, str], context: ProbeContext) -> McpOptions:
    call = None
    if spec.call:
        call = SafeCall(spec.call, _arguments(spec), spec.call_confirmed == spec.call, spec.call_expect)
    era = Era.LEGACY if spec.transport == "sse" else Era(spec.protocol)
    begin = _eras.of(context.monitor, spec.url) if context.monitor else Era.MODERN
    token = has_credential(secrets, spec.headers, spec.url)
    return McpOptions(spec.url, era, begin, token, spec.expected_tools, call, context.now_s)


def _transport(
    spec: McpSpec, secrets: Mapping[str, str], context: ProbeContext, stack: AsyncExitStack
) -> HttpTransport | EventStreamTransport:
    way = Way(spec.url, spec, secrets, (*spec.headers, *secret_headers(secrets)), context)
    return EventStreamTransport(way, stack) if spec.transport == "sse" else HttpTransport(way)


def _outcomes(options: McpOptions, seen: McpSeen) -> tuple[AssertionOutcome, ...]:
    return tuple(
        AssertionOutcome(True, expected, found)
        if kept
        else AssertionOutcome(False, expected, printable(found), Status.DEGRADED, seen.reason)
        for kept, expected, found in report.demands(options, seen)
    )


PROBER = Prober(McpSpec, validate, validate_secrets, probe, LEAST_INTERVAL_S)

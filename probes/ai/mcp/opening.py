"""Opening of a conversation with an MCP server: discovery without a session, or the handshake before 2026. Pure.

Each function is a generator: it yields requests and is sent their answers.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, TypeVar

from probes.ai import classify
from probes.ai.mcp.authorization import challenge_of, metadata_problem, metadata_urls
from probes.ai.mcp.messages import LEGACY, MODERN, Ask, Reply, Session, initialize, legacy, modern
from probes.ai.mcp.seen import Era, McpOptions, McpSeen, Opened, broken, short
from probes.reasons import Reason, Status

T = TypeVar("T")
#: Yields what to ask, is sent the answers, and returns what came of it.
Steps = Generator[Ask, Reply, T]

_UNSUPPORTED_VERSION, _HEADER_MISMATCH, _CAPABILITY_MISSING = -32022, -32020, -32021
_INVALID_PARAMS = -32602
_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY = 401, 403, 429
#: Longest id of a session; it has visible ASCII only.
_SESSION_MOST, _INSTRUCTIONS_MOST = 512, 65_536


def discover(options: McpOptions) -> Steps[Opened | McpSeen | None]:
    """Ask a server of 2026-07-28 what it is; None where it seems to be an older one."""
    reply = yield modern("server/discover", "discover")
    result = reply.result
    if reply.code == 200 and result is not None and isinstance(result.get("supportedVersions"), list):
        versions = result["supportedVersions"]
        if MODERN in versions:
            meta = result.get("_meta")
            server = meta.get("io.modelcontextprotocol/serverInfo") if isinstance(meta, dict) else None
            return _opened(Era.MODERN, MODERN, result, server, None)
        return None if _known(versions) else _other_versions(versions, reply)
    if reply.error_code == _UNSUPPORTED_VERSION:
        versions = reply.error_content.get("supported")
        return None if _known(versions) else _other_versions(versions, reply)
    if reply.error_code in (_HEADER_MISMATCH, _CAPABILITY_MISSING):
        return broken(f"the server refuses our headers or capabilities ({reply.error_code})", reply, Reason.CONFIG)
    if reply.code in (_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY):
        return (yield from refused(options, reply))
    # Older servers answer what they do not know in many ways, some with a 500.
    return None


def handshake(options: McpOptions) -> Steps[Opened | McpSeen]:
    """`initialize`, `notifications/initialized` and `ping`, as servers before 2026-07-28 want it."""
    reply = yield initialize(LEGACY[0], "initialize")
    known = _known(reply.error_content.get("supported")) if reply.error_code == _INVALID_PARAMS else ""
    if known:
        reply = yield initialize(known, "initialize")
    result = reply.result
    if reply.code != 200 or result is None:
        return (yield from refused(options, reply))
    version = result.get("protocolVersion")
    if version not in LEGACY:
        return _other_versions([version], reply)
    session_id = reply.header("mcp-session-id")
    if len(session_id) > _SESSION_MOST or not all("!" <= character <= "~" for character in session_id):
        return broken("the id of the session is too long, or no visible ASCII", reply)
    session = Session(str(version), session_id)
    told = yield legacy("notifications/initialized", "", session)
    if not 200 <= told.code < 300:
        return broken(f"`initialized` was answered {told.code}, and 202 is expected", told)
    # Answered with an error by servers that do not know it, which is an answer.
    pong = yield legacy("ping", "ping", session)
    if pong.message is None:
        return broken(f"`ping` was answered {pong.code} and no message of MCP", pong)
    return _opened(Era.LEGACY, str(version), result, result.get("serverInfo"), session)


def refused(options: McpOptions, reply: Reply) -> Steps[McpSeen]:
    """What an answer means that is no message of MCP, or one that asks for a token."""
    challenge = challenge_of(reply.challenges)
    if reply.code == _FORBIDDEN and challenge.is_scope:
        needs = f": it needs {challenge.scope}" if challenge.scope else ""
        return McpSeen(Status.DOWN, Reason.AUTH, f"the token allows too little{needs}", reply.code)
    if reply.code == _UNAUTHORIZED:
        if options.has_token:
            named = f" ({challenge.error})" if challenge.error else ""
            return McpSeen(Status.DOWN, Reason.AUTH, f"the token is refused{named}", reply.code)
        return (yield from _without_token(options, reply))
    if reply.code == 200 or (reply.message is not None and reply.code < 500 and reply.code != _TOO_MANY):
        error = f"error {reply.error_code}" if reply.error_code is not None else "no message of MCP"
        return broken(f"answered {reply.code} with {error}", reply)
    read = classify.classify(
        classify.ReceivedAnswer("", reply.code, reply.headers, reply.body, False, options.has_token), options.now_s
    )
    if 300 <= reply.code < 400:
        detail = f"answered {reply.code}: the server is elsewhere; set the address that it leads to"
        return McpSeen(Status.DOWN, Reason.CONFIG, detail, reply.code)
    hint = (
        ", so that the address may be wrong, or the transport the older one (`sse`)" if reply.code in (404, 405) else ""
    )
    return McpSeen(read.status, read.reason, f"{read.detail}{hint}", reply.code, facts=read.facts)


def _without_token(options: McpOptions, reply: Reply) -> Steps[McpSeen]:
    """A server that asks for a token and says where to get one is up, as far as can be seen without one."""
    problem = "it does not say where to get one on its own host"
    for url in metadata_urls(options.endpoint, challenge_of(reply.challenges)):
        found = yield Ask("GET", headers=(("Accept", "application/json"),), url=url)
        if found.code == 200:
            problem = metadata_problem(found.body, options.endpoint)
            if not problem:
                detail = "asks for a token, and says where to get one"
                return McpSeen(Status.UP, Reason.OK, detail, reply.code, needs_token=True)
    return McpSeen(Status.DOWN, Reason.AUTH, f"asks for a token, and {problem}", reply.code)


def _opened(era: Era, version: str, result: Mapping[str, Any], server: object, session: Session | None) -> Opened:
    named = server if isinstance(server, dict) else {}
    capabilities = result.get("capabilities")
    return Opened(
        era,
        version,
        short(named.get("name")),
        short(named.get("version"), 40),
        short(result.get("instructions"), _INSTRUCTIONS_MOST),
        isinstance(capabilities, dict) and "tools" in capabilities,
        session,
    )


def _known(versions: object) -> str:
    """The newest older version that a server supports and we know; empty for none."""
    return next((each for each in LEGACY if isinstance(versions, list) and each in versions), "")


def _other_versions(versions: object, reply: Reply) -> McpSeen:
    listed: Sequence[object] = versions if isinstance(versions, list) else []
    named = ", ".join(short(each, 20) for each in listed[:5] if isinstance(each, str)) or "none that it names"
    return broken(f"the server speaks other versions of MCP: {named}", reply, Reason.CONFIG)

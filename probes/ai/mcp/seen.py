"""What a check of an MCP server wants, and what it saw. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from probes.ai.mcp.messages import Reply, Session
from probes.ai.mcp.tools import ToolPrint
from probes.reasons import Reason, Status
from probes.wire import Fact


class Era(StrEnum):
    """Which protocol is spoken: `auto` begins with the stateless one and falls back to the one with a handshake."""

    AUTO = "auto"
    MODERN = "modern"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class SafeCall:
    """A tool to call at each check. `is_confirmed` when the user named it twice, so that it need not say it only reads.

    `expect` is a text that the answer must hold, empty for any answer that is no error.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    is_confirmed: bool = False
    expect: str = ""


@dataclass(frozen=True, slots=True)
class McpOptions:
    """What a check wants. `endpoint` is the URL, `has_token` whether requests say who asks, `now_s` the time.

    `begin` is the era that is tried first under `auto`.
    """

    endpoint: str
    era: Era = Era.AUTO
    begin: Era = Era.MODERN
    has_token: bool = False
    expected_tools: tuple[str, ...] = ()
    call: SafeCall | None = None
    now_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Opened:
    """A server that answered: its version and name, and the session of a handshake (None without one)."""

    era: Era
    version: str
    server: str
    server_version: str
    instructions: str
    has_tools: bool
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class McpSeen:
    """What a check saw. `tools` is None where the list was not read to its end, so that it tells nothing of a drift."""

    status: Status
    reason: Reason
    detail: str = ""
    code: int = 0
    opened: Opened | None = None
    tools: Sequence[ToolPrint] | None = None
    needs_token: bool = False
    facts: Mapping[str, Fact] = field(default_factory=dict)


def broken(detail: str, reply: Reply, reason: Reason = Reason.PROTOCOL_ERROR) -> McpSeen:
    """A server that does not speak the protocol as it should."""
    return McpSeen(Status.DOWN, reason, detail, reply.code)


def short(text: object, most: int = 80) -> str:
    """A text of the server, bounded; empty for what is none."""
    return text[:most] if isinstance(text, str) else ""

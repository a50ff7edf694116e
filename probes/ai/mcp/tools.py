"""Tools of an MCP server: admitted within bounds, and their fingerprint. Pure.

A changed description or schema of a known tool is how a server is turned against its users (tool poisoning), so each
part of a tool has a hash of its own, whatever its name stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

#: Tools of a server that are looked at, pages of its list, and the longest name of one.
TOOLS_MOST, PAGES_MOST, NAME_MOST = 1_000, 20, 128
_CURSOR_MOST = 4_096


@dataclass(frozen=True, slots=True)
class ToolPrint:
    """One tool: its name, and hashes of what a model reads of it (`words`) and of its schemas (`schema`).

    `is_read_only` is the server's own word.
    """

    name: str
    words: str
    schema: str
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class ToolsPage:
    """One page of a list: its tools, the cursor of the next page ("" for the last), and what could not be read."""

    tools: tuple[ToolPrint, ...]
    cursor: str = ""
    unreadable: int = 0


class NoTools(ValueError):
    """An answer that is no list of tools; one line for people."""


def tools_page(result: Mapping[str, Any]) -> ToolsPage:
    """The tools of an answer to `tools/list`; raises NoTools."""
    listed, cursor = result.get("tools"), result.get("nextCursor", "")
    if not isinstance(listed, list):
        raise NoTools("the answer to tools/list has no list of tools")
    if cursor is None:
        cursor = ""
    if not isinstance(cursor, str) or len(cursor) > _CURSOR_MOST:
        raise NoTools("the cursor of tools/list is no short text")
    # One more tells that there are too many.
    found = [_print(tool) for tool in listed[: TOOLS_MOST + 1]]
    tools = tuple(each for each in found if each is not None)
    return ToolsPage(tools, cursor, len(found) - len(tools))


def _print(tool: object) -> ToolPrint | None:
    name = tool.get("name") if isinstance(tool, dict) else None
    if not isinstance(tool, dict) or not isinstance(name, str) or not 0 < len(name) <= NAME_MOST:
        return None
    hints = tool.get("annotations")
    read_only = isinstance(hints, dict) and hints.get("readOnlyHint") is True
    words = [tool.get(part) for part in ("title", "description", "annotations", "execution")]
    schema = [tool.get(part) for part in ("inputSchema", "outputSchema")]
    try:
        return ToolPrint(name, digest(words), digest(schema), read_only)
    except RecursionError:
        return None


def digest(content: object) -> str:
    """A hash of JSON that does not depend on the order of its names (16 hexadecimal digits).

    Raises RecursionError where it is nested too deep.
    """
    try:
        text = msgspec.json.encode(content, order="deterministic")
    except (ValueError, TypeError, OverflowError):
        # A number that no JSON can hold again: the same words each time.
        text = repr(content).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def fingerprint(tools: Iterable[ToolPrint], instructions: str = "") -> str:
    """One hash over all tools, in whatever order they came, and over the instructions of the server."""
    parts = sorted([each.name, each.words, each.schema] for each in tools)
    return digest([parts, instructions])


def read_only(tools: Sequence[ToolPrint], name: str) -> bool | None:
    """Whether a tool says that it only reads; None where there is no such tool."""
    return next((each.is_read_only for each in tools if each.name == name), None)

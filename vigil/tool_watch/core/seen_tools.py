"""Tools of an MCP server as a region saw them, admitted from the facts of its result. Pure.

A region writes its facts itself, so each part is checked: types, sizes, and the form of every hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from probes.ai.mcp.report import FINGERPRINT, INSTRUCTIONS, PART, PARTS_MOST, TOOLS
from probes.ai.mcp.tools import NAME_MOST, TOOLS_MOST
from probes.text import storable

_HASH = re.compile(r"[0-9a-f]{16}")
_SERVER_MOST, _VERSION_MOST = 120, 20


@dataclass(frozen=True, slots=True, order=True)
class SeenTool:
    """One tool: hashes of what a model reads of it, and of its schemas."""

    name: str
    words: str
    schema: str


@dataclass(frozen=True, slots=True)
class SeenTools:
    """A list of tools. `tools` is None where they are too many to be told one by one; `count` holds all the same."""

    fingerprint: str
    count: int
    tools: tuple[SeenTool, ...] | None
    instructions: str = ""
    server: str = ""
    version: str = ""


def admitted(facts: Mapping[str, object]) -> SeenTools | None:
    """The list that the facts of a result tell of; None where they tell none, or none that could be."""
    fingerprint, count = facts.get(FINGERPRINT), facts.get(TOOLS)
    if not _is_hash(fingerprint) or isinstance(count, bool) or not isinstance(count, int):
        return None
    if not 0 <= count <= TOOLS_MOST:
        return None
    instructions = facts.get(INSTRUCTIONS, "")
    tools = tools_of([facts[name] for place in range(PARTS_MOST) if (name := f"{PART}{place}") in facts])
    return SeenTools(
        str(fingerprint),
        count,
        tools if tools is not None and len(tools) == count else None,
        str(instructions) if _is_hash(instructions) else "",
        _text(facts.get("mcp_server"), _SERVER_MOST),
        _text(facts.get("mcp_version"), _VERSION_MOST),
    )


def tools_of(parts: Sequence[object]) -> tuple[SeenTool, ...] | None:
    """The tools in these parts, each a list in JSON; None where any of them is no such list."""
    found: list[SeenTool] = []
    for part in parts:
        try:
            rows = json.loads(part) if isinstance(part, str) else None
        except (ValueError, RecursionError):
            return None
        if not isinstance(rows, list):
            return None
        for row in rows:
            tool = _tool(row)
            if tool is None:
                return None
            found.append(tool)
    return tuple(sorted(found)) if len({tool.name for tool in found}) == len(found) <= TOOLS_MOST else None


def _tool(row: object) -> SeenTool | None:
    if not isinstance(row, list) or len(row) != 3:
        return None
    name, words, schema = row
    if not isinstance(name, str) or not 0 < len(name) <= NAME_MOST or not (_is_hash(words) and _is_hash(schema)):
        return None
    return SeenTool(storable(name, NAME_MOST), words, schema)


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _text(value: object, most: int) -> str:
    return storable(value, most) if isinstance(value, str) else ""

"""Report of a check of an MCP server: the facts of its result, and each demand with what was found. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from probes.ai.mcp.seen import McpOptions, McpSeen
from probes.ai.mcp.tools import ToolPrint, digest, fingerprint
from probes.wire import Fact

#: The fact that says how many tools there are, the hash of them all, and that of the server's instructions.
TOOLS, FINGERPRINT, INSTRUCTIONS = "mcp_tools", "mcp_fingerprint", "mcp_instructions"
#: Facts that hold the tools, some in each: a list in JSON of name, hash of its words, hash of its schemas.
PART = "mcp_tools_"
#: Parts that a result may have, and the longest of one (characters): about 250 tools in all.
PARTS_MOST, _PART_MOST = 24, 950


def facts(seen: McpSeen) -> dict[str, Fact]:
    """What is worth showing and keeping; nothing that the server wrote is longer than a line."""
    found: dict[str, Fact] = dict(seen.facts)
    if seen.needs_token:
        found["mcp_needs_token"] = True
    opened = seen.opened
    if opened is not None:
        found |= {"mcp_version": opened.version, "mcp_protocol": opened.era.value}
        if opened.server:
            found["mcp_server"] = f"{opened.server} {opened.server_version}".strip()
        if opened.instructions:
            found[INSTRUCTIONS] = digest(opened.instructions)
    if seen.tools is not None:
        found[TOOLS] = len(seen.tools)
        found[FINGERPRINT] = fingerprint(seen.tools, opened.instructions if opened is not None else "")
        parts = list(_parts(seen.tools))
        # Half of a list would look as if the other half were gone.
        if len(parts) <= PARTS_MOST:
            found |= {f"{PART}{place}": part for place, part in enumerate(parts)}
    return found


def _parts(tools: Sequence[ToolPrint]) -> Iterator[str]:
    """The tools as texts of a bounded length."""
    part: list[str] = []
    for tool in sorted(tools, key=lambda each: each.name):
        told = json.dumps([tool.name, tool.words, tool.schema], separators=(",", ":"))
        if part and sum(map(len, part)) + len(part) + len(told) + 2 > _PART_MOST:
            yield f"[{','.join(part)}]"
            part = []
        part.append(told)
    if part:
        yield f"[{','.join(part)}]"


def demands(options: McpOptions, seen: McpSeen) -> list[tuple[bool, str, str]]:
    """Each demand held against what was seen: whether it is kept, what was expected, and what was found."""
    names = {each.name for each in seen.tools or ()}
    held = [
        (name in names, f"a tool {name}", "there" if name in names else "missing") for name in options.expected_tools
    ]
    if options.call is not None:
        failed = seen.detail if seen.detail and not any(not kept for kept, _, _ in held) else ""
        held.append((not failed, f"an answer of {options.call.name}", failed or "as expected"))
    return held

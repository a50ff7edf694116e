"""Every tool by its name: a group is one file, and a tool one line of its group."""

from __future__ import annotations

from vigil.mcp.tool import Tool
from vigil.mcp.tools import (
    alerting,
    code,
    explanation,
    history,
    incidents,
    monitors,
    overview,
    status_pages,
)

#: At most so many: a model chooses badly among more.
TOOLS_MOST = 20
TOOLS: dict[str, Tool] = {
    name: tool
    for group in (overview, explanation, monitors, incidents, history, alerting, code, status_pages)
    for name, tool in group.TOOLS.items()
}

"""Table of rows for a terminal: a heading, and columns as wide as their longest value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def aligned(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows under a heading that names their keys; every row has the keys of the first one."""
    heading = [name.replace("_", " ").upper() for name in rows[0]]
    cells = [heading, *([_shown(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heading))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def _shown(value: Any) -> str:
    if value in (None, "", [], ()):
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

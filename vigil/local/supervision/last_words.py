"""Last words of a process: which of its lines says why it ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from vigil.incidents.core.disks import refused_by_disk

#: Lines of one run that are kept for this.
LINES_KEPT = 200
#: PostgreSQL's words for what ends it; the lines after them only say that it goes.
_FATAL = ("PANIC:", "FATAL:")


def telling(lines: Iterable[str]) -> str:
    """The line about a disk that takes nothing, else the one about a fatal error, else the last one."""
    said = list(lines)
    fatal = next((line for word in _FATAL for line in reversed(said) if word in line), "")
    return refused_by_disk(said) or fatal or (said[-1] if said else "")

"""Stopped processes (SIGSTOP): found in /proc, and dealt with once they have been stopped for some seconds.

The state is the kernel's own word, so neither a slow nor a busy process is taken for a stopped one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

#: How often they are looked for, and after how long something is done (s).
LOOK_EVERY_S = 1.0
STOPPED_S = 3.0
_STOPPED = "T"
_PROC = Path("/proc")


class StoppedProcesses:
    """Since when each process has been stopped. A look that comes late counts for nothing."""

    def __init__(self) -> None:
        self._since_s: dict[int, float] = {}
        self._looked_s = 0.0

    def overdue(self, now_s: float, stopped: Iterable[int]) -> list[int]:
        """The processes that have been stopped for long; each is named again only after as long."""
        late = now_s - self._looked_s > LOOK_EVERY_S * 3
        self._looked_s = now_s
        before = {} if late else self._since_s
        self._since_s = {pid: before.get(pid, now_s) for pid in stopped}
        found = [pid for pid, since_s in self._since_s.items() if now_s - since_s >= STOPPED_S]
        for pid in found:
            del self._since_s[pid]
        return found


def stopped_below(pid: int) -> list[int]:
    """A process and what is below it, as far as it is stopped; nothing where the machine does not say."""
    found = [pid] if _state(pid) == _STOPPED else []
    try:
        below = (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    except OSError:
        return found
    return found + [one for child in below for one in stopped_below(int(child))]


def _state(pid: int) -> str:
    try:
        # The name in brackets before it may hold anything.
        return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""

"""Measurements: percentiles of lags, and CPU and memory of process trees."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from consensus.verdicts import Verdict

_SECOND_ATTEMPT_MS = 1000


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time (s) and resident memory (MB) of a process with its descendants."""

    cpu_s: float = 0.0
    rss_mb: float = 0.0


def percentile(values: Sequence[float], part: float) -> float | None:
    """Nearest-rank percentile (`part` from 0 to 1); None if empty."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def verdict_lag_ms(verdict: Verdict) -> float:
    """Time from the end of the last needed vote of the deciding look to the verdict."""
    look = max((vote.look for vote in verdict.votes), default=0)
    ends = [
        vote.at_ms + (vote.attempts - 1) * _SECOND_ATTEMPT_MS + vote.phases.total_us / 1000
        for vote in verdict.votes
        if vote.look == look
    ]
    return verdict.decided_ms - max(ends, default=verdict.decided_ms)


def usages(leaders: Mapping[str, int], proc: Path = Path("/proc")) -> dict[str, Usage]:
    """Usage of each process (by name, with its pid) and its descendants."""
    stats = {int(entry.name): fields for entry in proc.iterdir() if entry.name.isdecimal() for fields in _stat(entry)}
    names = {pid: name for name, pid in leaders.items()}
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    page_mb = os.sysconf("SC_PAGE_SIZE") / 2**20
    found: dict[str, Usage] = {name: Usage() for name in leaders}
    for pid, fields in stats.items():
        name = _belongs_to(pid, stats, names)
        if name is not None:
            # Its own time, and that of ended children.
            cpu_s = sum(fields[place] for place in (11, 12, 13, 14)) * tick_s
            found[name] = Usage(found[name].cpu_s + cpu_s, found[name].rss_mb + fields[21] * page_mb)
    return found


def _stat(entry: Path) -> list[list[int]]:
    """Fields of a stat file after name and state (state as 0); empty for an ended process."""
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [[0, *map(int, fields[1:])]]


def _belongs_to(pid: int, stats: Mapping[int, Sequence[int]], names: Mapping[int, str]) -> str | None:
    while pid in stats and pid not in names:
        pid = stats[pid][1]
    return names.get(pid)


def per_check(before: Mapping[str, Usage], after: Mapping[str, Usage], checks: int) -> dict[str, float]:
    """CPU microseconds per check of each process present both times, highest first."""
    spent = {
        name: (usage.cpu_s - before[name].cpu_s) / max(checks, 1) * 1e6
        for name, usage in after.items()
        if name in before
    }
    return {name: round(cost, 1) for name, cost in sorted(spent.items(), key=lambda pair: -pair[1])}


def cpu_ns(pid: int, proc: Path = Path("/proc")) -> int:
    """CPU time of a process (ns), by the scheduler's count of its live threads."""
    return sum(int(task.read_text().split()[0]) for task in (proc / str(pid) / "task").glob("*/schedstat"))


def rss_mb(pid: int, proc: Path = Path("/proc")) -> float:
    """Resident memory of a process (MB)."""
    pages = int((proc / str(pid) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def pss_mb(leaders: Mapping[str, int], proc: Path = Path("/proc")) -> dict[str, float]:
    """Memory of each process with its descendants (MB), shared pages divided among users (PSS)."""
    stats = {int(entry.name): fields for entry in proc.iterdir() if entry.name.isdecimal() for fields in _stat(entry)}
    names = {pid: name for name, pid in leaders.items()}
    found = dict.fromkeys(leaders, 0.0)
    for pid in stats:
        name = _belongs_to(pid, stats, names)
        if name is not None:
            found[name] += _pss_kb(proc / str(pid)) / 1024
    return found


def _pss_kb(entry: Path) -> int:
    try:
        lines = (entry / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)

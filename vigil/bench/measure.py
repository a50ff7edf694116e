"""What benchmarks measure: percentiles of lags, and the CPU and memory of a process with everything it started."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from consensus.verdicts import Verdict

#: A vote's second attempt starts this long after its first.
_SECOND_ATTEMPT_MS = 1000


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time used so far (s) and resident memory now (MB) of a session of processes."""

    cpu_s: float = 0.0
    rss_mb: float = 0.0


def percentile(values: Sequence[float], part: float) -> float | None:
    """The nearest-rank percentile (`part` from 0 to 1); None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def verdict_lag_ms(verdict: Verdict) -> float:
    """From the end of the last vote that the deciding look needed, to the verdict."""
    look = max((vote.look for vote in verdict.votes), default=0)
    ends = [
        vote.at_ms + (vote.attempts - 1) * _SECOND_ATTEMPT_MS + vote.phases.total_us / 1000
        for vote in verdict.votes
        if vote.look == look
    ]
    return verdict.decided_ms - max(ends, default=verdict.decided_ms)


def usages(leaders: Mapping[str, int], proc: Path = Path("/proc")) -> dict[str, Usage]:
    """The usage of each session by the name of its leader (pid), as Linux accounts it."""
    names = {pid: name for name, pid in leaders.items()}
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    page_mb = os.sysconf("SC_PAGE_SIZE") / 2**20
    found: dict[str, Usage] = {name: Usage() for name in leaders}
    for entry in proc.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        name = names.get(int(fields[3]))
        if name is None:
            continue
        # A leader's fields 13 and 14 hold the time of its children that have ended.
        mine = (11, 12, 13, 14) if int(entry.name) in names else (11, 12)
        cpu_s = sum(int(fields[place]) for place in mine) * tick_s
        before = found[name]
        found[name] = Usage(before.cpu_s + cpu_s, before.rss_mb + int(fields[21]) * page_mb)
    return found


def per_check(before: Mapping[str, Usage], after: Mapping[str, Usage], checks: int) -> dict[str, float]:
    """CPU microseconds per check of each process that was there both times, the dearest first."""
    spent = {
        name: (usage.cpu_s - before[name].cpu_s) / max(checks, 1) * 1e6
        for name, usage in after.items()
        if name in before
    }
    return {name: round(cost, 1) for name, cost in sorted(spent.items(), key=lambda pair: -pair[1])}

"""Report text, compared with golden files."""

from __future__ import annotations

from collections.abc import Iterator

from vigil.history.core.periods import Period
from vigil.history.core.uptime import Uptime
from vigil.history.reading.summary import MonitorLine, Summary

_NAME_WIDTH = 32


def subject(summary: Summary) -> str:
    """Subject, such as: Vigil: 18 to 24 May 2026: 99.98 % up, 3 incidents."""
    return f"Vigil: {_days(summary.period)}: {_percent(summary.uptime)} up, {_count(summary.incidents, 'incident')}"


def body(summary: Summary, base_url: str) -> list[str]:
    """The report, line by line, for a fixed-width font."""
    about = f"monitors tagged {summary.tag}" if summary.tag else "all monitors"
    lines = [f"{summary.team}, {about}, {_days(summary.period)} ({summary.period.zone.key})", ""]
    lines += _whole(summary)
    if summary.listed:
        lines += ["", "Least up:", *map(_monitor, summary.listed)]
    others = summary.monitors - len(summary.listed)
    if others > 0 and summary.listed:
        lines += [
            f"  {_count(others, 'other monitor')}: no incident" if _all_are_listed(summary) else f"  and {others} more"
        ]
    if summary.objectives:
        lines += ["", "Error budgets at the end:"]
        lines += [
            f"  {_fit(one.name)} {one.target_percent:g} % over {one.window_days} days: {_left(one.left)}"
            for one in summary.objectives
        ]
    return [*lines, "", f"{base_url}/"]


def _whole(summary: Summary) -> Iterator[str]:
    if not summary.monitors:
        yield "No monitors."
        return
    earlier = _percent(summary.uptime_before)
    yield f"{_percent(summary.uptime)} up over {_count(summary.monitors, 'monitor')}; before that {earlier}."
    if not summary.incidents:
        yield "No incident."
    else:
        longest = f", the longest {_length(summary.longest_s)} ({summary.longest_of})"
        yield f"{_count(summary.incidents, 'incident')}, {_length(summary.uptime.down_s)} of downtime{longest}."
    if summary.uptime.maintenance_s or summary.uptime.excluded_s:
        yield (
            f"Not counted: {_length(summary.uptime.maintenance_s)} of maintenance, "
            f"{_length(summary.uptime.excluded_s)} without monitoring."
        )


def _monitor(line: MonitorLine) -> str:
    latency = ""
    if line.p95_ms is not None:
        latency = f"  p95 {line.p95_ms:.0f} ms"
        latency += f" (before {line.p95_before_ms:.0f} ms)" if line.p95_before_ms is not None else ""
    down = f"{_length(line.uptime.down_s)} down"
    return f"  {_fit(line.name)} {_percent(line.uptime):>10}  {down:>14}  {_count(line.incidents, 'incident')}{latency}"


def _all_are_listed(summary: Summary) -> bool:
    return sum(line.incidents for line in summary.listed) >= summary.incidents


def _percent(uptime: Uptime) -> str:
    """Rounded down, so that only full uptime reads as 100 %."""
    if uptime.ratio is None:
        return "-"
    counted = uptime.up_s + uptime.down_s
    thousandths = uptime.up_s * 100_000 // counted
    return "100 %" if thousandths == 100_000 else f"{thousandths / 1000:.3f} %"


def _left(part: float) -> str:
    return f"{part * 100:.0f} % left" if part >= 0 else f"overspent by {-part * 100:.0f} %"


def _length(seconds: int) -> str:
    for name, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds} s"


def _days(period: Period) -> str:
    first, last = period.first, period.last
    start = f"{first.day} {first:%B}" if (first.month, first.year) != (last.month, last.year) else f"{first.day}"
    return f"{start} to {last.day} {last:%B %Y}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _fit(name: str) -> str:
    return f"{name if len(name) <= _NAME_WIDTH else name[: _NAME_WIDTH - 1] + '…':<{_NAME_WIDTH}}"

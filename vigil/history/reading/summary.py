"""Report summary: uptime, incidents and latency of a team's monitors, and its objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from vigil.history.core.periods import Frequency, Period, before
from vigil.history.core.rollups import merged
from vigil.history.core.uptime import Uptime, account
from vigil.history.models import Objective, Report
from vigil.history.reading import series
from vigil.history.reading.objectives import objective_status
from vigil.history.reading.spans import DOWN_KINDS, settled_spans
from vigil.history.storage.daily_rollup import DAY_MS
from vigil.incidents.models import Incident
from vigil.monitors.models import Monitor, Region

LISTED = 15


@dataclass(frozen=True, slots=True)
class MonitorLine:
    """One monitor in a report; latencies in ms, None where not measured."""

    name: str
    uptime: Uptime
    incidents: int
    p95_ms: float | None
    p95_before_ms: float | None


@dataclass(frozen=True, slots=True)
class ObjectiveLine:
    """One objective in a report: its remaining budget at the end of the period."""

    name: str
    target_percent: float
    window_days: int
    left: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a period. `listed` are monitors that were down, or those with the lowest uptime."""

    team: str
    tag: str
    period: Period
    monitors: int
    uptime: Uptime
    uptime_before: Uptime
    incidents: int
    longest_s: int
    longest_of: str
    listed: Sequence[MonitorLine]
    objectives: Sequence[ObjectiveLine]


def summarise(report: Report, period: Period) -> Summary:
    """Compute the figures of a finished period."""
    found = Monitor.objects.filter(team_id=report.team_id, deleted_at=None, created_at__lt=period.ends)
    monitors = list(found.filter(tags__contains=[report.tag]) if report.tag else found)
    earlier = before(period, Frequency(report.frequency))
    each = _uptimes(monitors, period)
    incidents = _incidents(monitors, period)
    longest = max(incidents, key=lambda one: _length_s(one, period), default=None)
    counts: dict[int | None, int] = {}
    for incident in incidents:
        counts[incident.monitor_id] = counts.get(incident.monitor_id, 0) + 1
    least_up = sorted(monitors, key=lambda one: (-each[one.pk].down_s, -counts.get(one.pk, 0), one.name))
    listed = [one for one in least_up if each[one.pk].down_s or counts.get(one.pk)][:LISTED]
    return Summary(
        team=report.team.name,
        tag=report.tag,
        period=period,
        monitors=len(monitors),
        uptime=sum(each.values(), Uptime()),
        uptime_before=sum(_uptimes(monitors, earlier).values(), Uptime()),
        incidents=len(incidents),
        longest_s=_length_s(longest, period) if longest else 0,
        longest_of=longest.monitor.name if longest and longest.monitor else "",
        listed=[_line(one, each[one.pk], counts.get(one.pk, 0), (period, earlier)) for one in listed],
        objectives=_objectives(report, period),
    )


def _uptimes(monitors: Sequence[Monitor], period: Period) -> Mapping[int, Uptime]:
    settled = settled_spans(monitors, period.window)
    return {key: account(one, period.window) for key, one in settled.items()}


def _incidents(monitors: Sequence[Monitor], period: Period) -> list[Incident]:
    start, end = (datetime.fromtimestamp(second, UTC) for second in period.window)
    kinds = Incident.objects.filter(kind__in=DOWN_KINDS, monitor__in=monitors)
    return list(kinds.filter(started_at__gte=start, started_at__lt=end).select_related("monitor"))


def _length_s(incident: Incident, period: Period) -> int:
    ends = incident.resolved_at or period.ends
    return round((ends - incident.started_at).total_seconds())


def _line(monitor: Monitor, uptime: Uptime, incidents: int, periods: tuple[Period, Period]) -> MonitorLine:
    now, earlier = (_p95(monitor, period) for period in periods)
    return MonitorLine(monitor.name, uptime, incidents, now, earlier)


def _p95(monitor: Monitor, period: Period) -> float | None:
    """By whole days of UTC, nearest to those of the time zone."""
    first, last = (round(second * 1000 / DAY_MS) for second in period.window)
    regions = list(Region.objects.values_list("pk", flat=True))
    return merged(series.days(monitor.pk, regions, first, last - 1).values()).percentiles_ms([0.95])[0]


def _objectives(report: Report, period: Period) -> list[ObjectiveLine]:
    enabled = Objective.objects.filter(team_id=report.team_id, enabled=True).select_related("monitor")
    return [
        ObjectiveLine(
            one.name, float(one.target_percent), one.window_days, objective_status(one, period.ends).budget.left
        )
        for one in (enabled.filter(tag=report.tag) if report.tag else enabled)
    ]

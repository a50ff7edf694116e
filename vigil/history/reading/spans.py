"""Uptime spans of monitors, from incidents, pauses and maintenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from django.db.models import Q

from probes.specs.credentials import has_credential
from vigil.history.core.uptime import Settled, Span, UptimeSpans, minus, settle, union
from vigil.history.models import Unwatched
from vigil.incidents.core.model import IncidentKind, Step
from vigil.incidents.models import IS_FORETOLD, Incident, Transition
from vigil.monitors.models import Monitor
from vigil.silences.core.windows import windows
from vigil.silences.covering import covered_monitors
from vigil.silences.models import Silence

#: Kinds that count as down; the others of `UP_KINDS` count as degraded.
DOWN_KINDS = (IncidentKind.OUTAGE, IncidentKind.HEARTBEAT)
UP_KINDS = (IncidentKind.DEGRADED, IncidentKind.ACCOUNT)


@dataclass(slots=True)
class _Spans:
    down: list[Span] = field(default_factory=list)
    degraded: list[Span] = field(default_factory=list)
    uncounted: list[Span] = field(default_factory=list)
    unseen: list[Span] = field(default_factory=list)


class CountedIncident(Protocol):
    """What counts of an incident, whether it was read as a model or as a plain row."""

    @property
    def pk(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def monitor_id(self) -> int | None: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def resolved_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class SpanRows:
    """What spans are made of, as read: incidents of `DOWN_KINDS` and `UP_KINDS`, and when those got worse by key."""

    incidents: Sequence[CountedIncident]
    worsened: Mapping[int, datetime]
    unwatched: Sequence[Unwatched]
    maintained: Mapping[int, Sequence[Span]]


@dataclass(frozen=True, slots=True)
class MonitorSpans:
    """Settled spans of a monitor, and the time in which too few regions saw it any more (part of excluded or down)."""

    settled: Settled
    unseen: tuple[Span, ...]


def settled_spans(
    monitors: Sequence[Monitor], window: Span, maintained: Mapping[int, Sequence[Span]] | None = None
) -> dict[int, Settled]:
    """Settled spans of each monitor; `window` ends no later than now.

    Excluded: before a monitor was created, while paused, deleted or blind. A monitor that was down when it went blind
    stays down. The caller may have read the maintenance.
    """
    rows = read_rows(monitors, window, maintained)
    return {key: one.settled for key, one in spans_of(monitors, window, rows).items()}


def read_rows(
    monitors: Sequence[Monitor], window: Span, maintained: Mapping[int, Sequence[Span]] | None = None
) -> SpanRows:
    """What the spans of these monitors are made of."""
    keys = [monitor.pk for monitor in monitors]
    start, end = _instant(window[0]), _instant(window[1])
    incidents = list(_incidents(keys, start, end))
    unwatched = list(unwatched_rows(keys, window))
    if maintained is None:
        maintained = _maintenance(monitors, start, end)
    return SpanRows(incidents, _worsened(incidents), unwatched, maintained)


def spans_of(monitors: Sequence[Monitor], window: Span, rows: SpanRows) -> dict[int, MonitorSpans]:
    """The spans that these rows make; no query."""
    found = {monitor.pk: _Spans() for monitor in monitors}
    created = {monitor.pk: monitor.created_at for monitor in monitors}
    anonymous = refused_monitors(monitors, rows.incidents)
    for incident in rows.incidents:
        refused = incident.kind == IncidentKind.ACCOUNT and incident.monitor_id in anonymous
        _tell(found[incident.monitor_id or 0], incident, rows.worsened.get(incident.pk), window, refused)
    for row in rows.unwatched:
        held, made = found[row.monitor_id], created[row.monitor_id]
        # Until a quorum has seen it for the first time it is new, and nothing is unknown of it.
        uncounted = row.why == Unwatched.Why.PAUSED or row.from_at <= made
        (held.uncounted if uncounted else held.unseen).append(_span(row.from_at, row.to_at, window))
    return {
        one.pk: MonitorSpans(
            _settled(one, found[one.pk], rows.maintained.get(one.pk, ()), window), union(found[one.pk].unseen)
        )
        for one in monitors
    }


def unwatched_rows(monitors: Iterable[int], window: Span) -> Iterable[Unwatched]:
    """Periods without watch that overlap the window."""
    return Unwatched.objects.filter(_overlaps(_instant(window[0]), _instant(window[1])), monitor_id__in=list(monitors))


def _settled(monitor: Monitor, spans: _Spans, maintenance: Sequence[Span], window: Span) -> Settled:
    not_yet = (window[0], max(window[0], _second(monitor.created_at)))
    excluded = [not_yet, *spans.uncounted, *minus(union(spans.unseen), union(spans.down))]
    return settle(UptimeSpans(spans.down, spans.degraded, excluded, maintenance))


def _incidents(monitors: Iterable[int], start: datetime, end: datetime) -> Iterable[Incident]:
    # Used: incident_of_monitor (the foreign key's index).
    overlapping = Q(started_at__lt=end) & (Q(resolved_at=None) | Q(resolved_at__gt=start))
    counted = Incident.objects.filter(overlapping, monitor_id__in=list(monitors), kind__in=DOWN_KINDS + UP_KINDS)
    return counted.exclude(IS_FORETOLD)


def _worsened(incidents: Iterable[Incident]) -> dict[int, datetime]:
    """When each incident became its present kind, if opened as a milder one: kinds only get worse."""
    changed = Transition.objects.filter(incident__in=[one.pk for one in incidents], step=Step.CHANGED).order_by("seq")
    return dict(changed.values_list("incident_id", "at"))


def refused_monitors(monitors: Iterable[Monitor], incidents: Iterable[CountedIncident]) -> set[int]:
    """The monitors with account problems whose checks have no credential: no client gets in there."""
    refused = {one.monitor_id for one in incidents if one.kind == IncidentKind.ACCOUNT}
    return {one.pk for one in monitors if one.pk in refused and not _has_credential(one)}


def _has_credential(monitor: Monitor) -> bool:
    config: dict[str, Any] = monitor.config
    return has_credential(monitor.secrets, config.get("headers", ()), str(config.get("url", "")))


def _tell(spans: _Spans, incident: CountedIncident, worsened: datetime | None, window: Span, refused: bool) -> None:
    """An incident counts as down from its start, or from when it became an outage.

    An account problem does so where the check has no credential that could be at fault (`refused`).
    """
    start, end = _span(incident.started_at, incident.resolved_at, window)
    if refused:
        spans.down.append((start, end))
        return
    if incident.kind in UP_KINDS:
        spans.degraded.append((start, end))
        return
    turned = min(max(_second(worsened), start), end) if worsened else start
    spans.degraded.append((start, turned))
    spans.down.append((turned, end))


def _maintenance(monitors: Sequence[Monitor], start: datetime, end: datetime) -> dict[int, list[Span]]:
    """Maintenance windows: one query a silence, however many monitors it covers."""
    counted = Silence.objects.filter(Q(excludes=True) | Q(pauses=True), team__in={one.team_id for one in monitors})
    over = Q(cron="", ends_at__lte=start) | Q(valid_until__lte=start)
    wanted = {monitor.pk for monitor in monitors}
    found: dict[int, list[Span]] = {}
    for silence in counted.exclude(over):
        held = [(_second(each.starts), _second(each.ends)) for each in windows(silence.schedule, start, end)]
        covered = covered_monitors(silence).values_list("pk", flat=True) if held else ()
        for monitor in wanted.intersection(covered):
            found.setdefault(monitor, []).extend(held)
    return found


def _overlaps(start: datetime, end: datetime) -> Q:
    return Q(from_at__lt=end) & (Q(to_at=None) | Q(to_at__gt=start))


def _span(start: datetime, end: datetime | None, window: Span) -> Span:
    return max(_second(start), window[0]), window[1] if end is None else min(_second(end), window[1])


def _second(at: datetime) -> int:
    return int(at.timestamp())


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)

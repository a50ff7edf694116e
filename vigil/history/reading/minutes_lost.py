"""Error budgets of a team's providers and models, with the minutes lost by whose fault they were."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from probes.reasons import Reason
from vigil.accounts.models import Team
from vigil.history.core.burn_rate import DAY_S, LENGTHS_S
from vigil.history.core.minutes_lost import (
    LossSeverity,
    LostPiece,
    LostSpan,
    LostTime,
    SeenReason,
    attributed,
    lost_time,
)
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.uptime import Settled, Span, minus, union
from vigil.history.models import Objective
from vigil.history.reading import read
from vigil.history.reading.objectives import ObjectiveStatus, status_of
from vigil.history.reading.spans import DOWN_KINDS, SpanRows, read_rows, refused_monitors, spans_of
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.core.provider_outage import is_providers
from vigil.incidents.models import Incident
from vigil.monitors.core.named_models import named_models
from vigil.monitors.models import Monitor

#: Where no objective covers the monitors.
DEFAULT_PERCENT, DEFAULT_DAYS = 99.9, 30
MONITORS_MOST = 500
#: Lost hours of monitors whose checks are read, the newest; of those before it the incident's reason counts.
HOURS_MOST = 1_000
_HOUR_S = HOUR_MS // 1000


@dataclass(frozen=True, slots=True)
class BudgetObjective:
    """What a budget is held against; without a name it is the default."""

    target_percent: float = DEFAULT_PERCENT
    window_days: int = DEFAULT_DAYS
    name: str = ""
    public_id: str = ""


@dataclass(frozen=True, slots=True)
class ProviderBudget:
    """Budget of a provider (`model` empty), or of one of its models."""

    provider: str
    model: str
    monitors: tuple[Monitor, ...]
    objective: BudgetObjective
    status: ObjectiveStatus
    lost: LostTime


@dataclass(frozen=True, slots=True)
class _MonitorLoss:
    settled: Settled
    counted: tuple[Span, ...]
    pieces: tuple[LostPiece, ...]


def provider_budgets(team: Team, now: datetime, provider: str = "") -> list[ProviderBudget]:
    """Budgets of all providers that a team watches, or of one, each followed by those of its models."""
    watched = Monitor.objects.filter(team=team, deleted_at=None).exclude(provider="")
    if provider:
        watched = watched.filter(provider=provider)
    monitors = list(watched.order_by("provider", "pk")[:MONITORS_MOST])
    objectives = list(Objective.objects.filter(team=team, enabled=True).order_by("pk"))
    groups: dict[tuple[str, str], list[Monitor]] = {}
    for monitor in monitors:
        groups.setdefault((monitor.provider, ""), []).append(monitor)
        for model in named_models(monitor.config):
            groups.setdefault((monitor.provider, model), []).append(monitor)
    chosen = {key: objective_of(objectives, mine) for key, mine in groups.items()}
    longest_s = max([one.window_days * DAY_S for one in chosen.values()] + LENGTHS_S)
    end_s = int(now.timestamp())
    losses = _losses(monitors, (end_s - longest_s, end_s)) if monitors else {}
    return [
        _budget(key, mine, chosen[key], [losses[one.pk] for one in mine], end_s) for key, mine in sorted(groups.items())
    ]


def objective_of(objectives: Iterable[Objective], monitors: Sequence[Monitor]) -> BudgetObjective:
    """The objective of a group: the strictest that covers all of it, else the strictest that covers a part."""
    found = []
    for one in objectives:
        covered = [one.monitor_id == each.pk if one.monitor_id else one.tag in each.tags for each in monitors]
        if any(covered):
            found.append((not all(covered), -one.target_percent, one.pk, one))
    if not found:
        return BudgetObjective()
    best = min(found)[3]
    return BudgetObjective(float(best.target_percent), best.window_days, best.name, best.public_id)


def _budget(
    key: tuple[str, str], monitors: Sequence[Monitor], objective: BudgetObjective, losses: Sequence[_MonitorLoss],
    end_s: int,
) -> ProviderBudget:  # fmt: skip
    window = (end_s - objective.window_days * DAY_S, end_s)
    counted = _within(union([span for one in losses for span in one.counted]), window)
    pieces = [piece for one in losses for piece in one.pieces]
    status = status_of([one.settled for one in losses], objective.target_percent / 100, objective.window_days, end_s)
    return ProviderBudget(*key, tuple(monitors), objective, status, lost_time(pieces, counted))


def _losses(monitors: Sequence[Monitor], window: Span) -> dict[int, _MonitorLoss]:
    rows = read_rows(monitors, window)
    lost = _lost_spans(monitors, rows, window)
    seen = _seen(lost)
    found = {}
    for key, spans in spans_of(monitors, window, rows).items():
        settled = spans.settled
        counted = minus([window], union([*settled.excluded, *settled.maintenance]))
        pieces = [piece for span in lost[key] for piece in attributed(span, _part(seen.get(key, []), span))]
        found[key] = _MonitorLoss(settled, counted, tuple(_clipped(pieces, counted)))
    return found


def _lost_spans(monitors: Sequence[Monitor], rows: SpanRows, window: Span) -> dict[int, list[LostSpan]]:
    """What incidents say of lost time. One that became an outage was milder until then."""
    found: dict[int, list[LostSpan]] = {monitor.pk: [] for monitor in monitors}
    refused = refused_monitors(monitors, rows.incidents)
    kinds = {monitor.pk: monitor.kind for monitor in monitors}
    for one in rows.incidents:
        if not isinstance(one, Incident) or one.monitor_id not in found:
            continue
        if not is_providers(kinds[one.monitor_id], one.failure):
            # What a canary reads in an answer takes no minute of a service.
            continue
        start_s = max(int(one.started_at.timestamp()), window[0])
        end_s = window[1] if one.resolved_at is None else min(int(one.resolved_at.timestamp()), window[1])
        reason = Reason(one.failure) if one.failure in set(Reason) else Reason.OK
        mine = found[one.monitor_id]
        if one.kind in DOWN_KINDS or (one.kind == IncidentKind.ACCOUNT and one.monitor_id in refused):
            worsened = rows.worsened.get(one.pk)
            turned_s = min(max(int(worsened.timestamp()), start_s), end_s) if worsened else start_s
            mine.append(LostSpan(start_s, turned_s, LossSeverity.DEGRADED, reason))
            mine.append(LostSpan(turned_s, end_s, LossSeverity.DOWN, reason))
        else:
            account = one.kind == IncidentKind.ACCOUNT
            mine.append(LostSpan(start_s, end_s, LossSeverity.ACCOUNT if account else LossSeverity.DEGRADED, reason))
    return found


def _seen(lost: Mapping[int, Sequence[LostSpan]]) -> dict[int, list[SeenReason]]:
    """Checks of the newest lost hours, by monitor."""
    parts = [part for monitor, spans in lost.items() for span in spans for part in _hours_of(monitor, span)]
    wanted: dict[int, dict[int, tuple[int, int]]] = {}
    for hour, monitor, first, last in sorted(parts, reverse=True)[:HOURS_MOST]:
        hours = wanted.setdefault(monitor, {})
        known = hours.get(hour, (first, last))
        hours[hour] = min(known[0], first), max(known[1], last)
    if not wanted:
        return {}
    return {key: [SeenReason(*one) for one in checks] for key, checks in read.reasons_in(wanted).items()}


def _hours_of(monitor: int, span: LostSpan) -> Iterator[tuple[int, int, int, int]]:
    """The newest hours of a span with the part of each in it (ms)."""
    if span.start_s >= span.end_s:
        return
    last = (span.end_s - 1) // _HOUR_S
    for hour in range(max(span.start_s // _HOUR_S, last - HOURS_MOST + 1), last + 1):
        begin_s = hour * _HOUR_S
        yield hour, monitor, max(0, span.start_s - begin_s) * 1000, min(_HOUR_S, span.end_s - begin_s) * 1000


def _part(seen: list[SeenReason], span: LostSpan) -> list[SeenReason]:
    """Checks of a span, out of those in order of time."""
    at_s = attrgetter("at_s")
    return seen[bisect_left(seen, span.start_s, key=at_s) : bisect_left(seen, span.end_s, key=at_s)]


def _clipped(pieces: Iterable[LostPiece], counted: Sequence[Span]) -> Iterable[LostPiece]:
    """Pieces within the counted time of their own monitor."""
    for piece in pieces:
        for start_s, end_s in counted:
            begin_s, until_s = max(piece.start_s, start_s), min(piece.end_s, end_s)
            if begin_s < until_s:
                yield LostPiece(begin_s, until_s, piece.severity, piece.cause)


def _within(spans: Iterable[Span], window: Span) -> list[Span]:
    cut = [(max(start, window[0]), min(end, window[1])) for start, end in spans]
    return [(start, end) for start, end in cut if start < end]

"""Objective evaluation: error budgets, and an incident for each that burns too fast."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from vigil.history.core import burn_rate
from vigil.history.core.burn_rate import DAY_S, LENGTHS_S, BurnChange, BurnPace, ErrorBudget, PaceRule
from vigil.history.core.uptime import Settled, Span, Uptime, account
from vigil.history.models import Objective
from vigil.history.reading.spans import settled_spans
from vigil.incidents.core.model import IncidentKind, Step
from vigil.incidents.models import Incident
from vigil.incidents.timeline import EnqueueDeliveries, TimelineEntry, add_step
from vigil.monitors.models import Monitor

#: Objectives evaluated at once; each reads a window of incidents.
OBJECTIVES_MOST = 2_000
#: Part of a window that counts as the whole of it, in words.
NEARLY = 0.9


@dataclass(frozen=True, slots=True)
class ObjectiveStatus:
    """Status of an objective: uptime of its window, its budget, and burn rates by window (s)."""

    uptime: Uptime
    budget: ErrorBudget
    rates: Mapping[int, float]
    rule: PaceRule | None


def objective_status(objective: Objective, now: datetime) -> ObjectiveStatus:
    """Compute an objective's uptime over its window, and burn rates over the alert windows."""
    end_s, window_s = int(now.timestamp()), objective.window_days * DAY_S
    longest: Span = (end_s - max(window_s, *LENGTHS_S), end_s)
    settled = settled_spans(list(monitors_of(objective)), longest).values()
    return status_of(settled, float(objective.target_percent) / 100, objective.window_days, end_s)


def status_of(settled: Collection[Settled], target: float, window_days: int, end_s: int) -> ObjectiveStatus:
    """Status of a target (0 to 1) over monitors whose spans reach back over its window and the alert windows."""
    window_s = window_days * DAY_S
    spans = burn_rate.windows(end_s, [*LENGTHS_S, window_s])
    recent = {length: _together(settled, span) for length, span in spans.items()}
    # Several monitors add up their time.
    rates = {length: burn_rate.rate(target, recent[length], length * max(1, len(settled))) for length in LENGTHS_S}
    budget = burn_rate.budget(target, recent[window_s])
    return ObjectiveStatus(recent[window_s], budget, rates, burn_rate.pace(window_s, rates))


def monitors_of(objective: Objective) -> QuerySet[Monitor]:
    """Monitors of an objective: one (or a composite), or all of the team with its tag."""
    if objective.monitor_id:
        return Monitor.objects.filter(pk=objective.monitor_id, deleted_at=None)
    return Monitor.objects.filter(team_id=objective.team_id, deleted_at=None, tags__contains=[objective.tag])


def evaluate(now: datetime, enqueue: EnqueueDeliveries) -> int:
    """Evaluate every objective and write incident steps; returns their number."""
    due = Objective.objects.filter(enabled=True).order_by("pk").values_list("pk", flat=True)[:OBJECTIVES_MOST]
    still_open = Objective.objects.filter(enabled=False).exclude(pace="").values_list("pk", flat=True)
    return sum(_bring_in_step(key, now, enqueue) for key in [*due, *still_open])


def _bring_in_step(key: int, now: datetime, enqueue: EnqueueDeliveries) -> bool:
    with transaction.atomic():
        # Locked, so that two recorders write one step.
        objective = Objective.objects.select_for_update(of=("self",)).select_related("monitor").filter(pk=key).first()
        if objective is None:
            return False
        seen = objective_status(objective, now)
        rule = seen.rule if objective.enabled else None
        change = burn_rate.change(BurnPace(objective.pace) if objective.pace else None, rule)
        if change is None:
            return False
        _write(objective, change, seen, now, enqueue)
        objective.pace = rule.pace if rule else ""
        objective.save(update_fields=["pace", "incident"])
    return True


def _write(
    objective: Objective, change: BurnChange, seen: ObjectiveStatus, now: datetime, enqueue: EnqueueDeliveries
) -> None:
    incident = objective.incident
    if incident is None or change.step is Step.OPENED:
        incident = Incident.objects.create(
            team_id=objective.team_id,
            monitor=objective.monitor,
            kind=IncidentKind.SLO,
            cause_key=f"objective:{objective.public_id}",
            title=f"{objective.name}: the error budget of {objective.window_days} days burns too fast"[:300],
            started_at=now,
            opened_at=now,
        )
        objective.incident = incident
    if change.step is Step.RESOLVED:
        incident.resolved_at = now
        objective.incident = None
    add_step(
        incident,
        TimelineEntry(change.step, change.reason, in_words(objective, seen), evidence=_evidence(seen)),
        enqueue,
    )


def in_words(objective: Objective, seen: ObjectiveStatus) -> str:
    """Status of an objective, in two sentences."""
    spent, allowed = _minutes(seen.budget.spent_s), _minutes(seen.budget.allowed_s)
    left = max(0, round(seen.budget.left * 100))
    full_s = float(1 - objective.target_percent / 100) * objective.window_days * DAY_S
    of_time = "in" if seen.budget.allowed_s > NEARLY * full_s else "of what was measured in"
    whole = (
        f"{spent} of the {allowed} that {objective.target_percent.normalize():f} % allows {of_time} "
        f"{objective.window_days} days are spent, {left} % are left."
    )
    if seen.rule is None:
        return f"The budget does not burn too fast. {whole}"
    long, short = seen.rule.long_s, seen.rule.short_s
    limit = seen.rule.threshold(objective.window_days * DAY_S)
    return (
        f"Over the last {_length(long)} the budget burned {seen.rates[long]:.1f} times as fast as it allows, over the "
        f"last {_length(short)} {seen.rates[short]:.1f} times (limit {limit:.1f}). {whole}"
    )


def _evidence(seen: ObjectiveStatus) -> dict[str, object]:
    return {
        "pace": seen.rule.pace if seen.rule else None,
        "rates": {str(length): round(rate, 3) for length, rate in seen.rates.items()},
        "allowed_s": round(seen.budget.allowed_s),
        "spent_s": seen.budget.spent_s,
    }


def _together(settled: Iterable[Settled], span: Span) -> Uptime:
    return sum((account(one, span) for one in settled), Uptime())


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"


def _length(seconds: int) -> str:
    if seconds == burn_rate.HOUR_S:
        return "hour"
    for name, length in (("days", DAY_S), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {name}"
    return f"{seconds} seconds"

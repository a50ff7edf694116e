"""Readiness of a chain for people: what would happen if the member that serves died now, with facts of each member."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from probes.wire import Result
from vigil.access.core.headroom import in_words as headroom_in_words
from vigil.access.headroom_rows import headroom_of
from vigil.access.models import KeyHeadroom
from vigil.history.models import Objective
from vigil.history.reading.objectives import objective_status
from vigil.incidents.composites import whole_of
from vigil.incidents.core.composite import MemberSeen
from vigil.monitors.core.readiness import ReadinessReason, Value, in_words
from vigil.monitors.live.results import Latest, counted_results
from vigil.monitors.models import Monitor

#: Members whose error budget is read.
BUDGETS_MOST = 10
_STATUS = {Value.UP: "up", Value.DEGRADED: "degraded", Value.DOWN: "down"}


@dataclass(frozen=True, slots=True)
class ShownTarget:
    """A member: its place and state, what is left of its tightest quota, its latency and its error budget."""

    monitor: str
    name: str
    group: str
    rank: int
    status: str
    is_short: bool
    left: float | None = None
    headroom: str = ""
    p50_ms: float | None = None
    budget_left: float | None = None


@dataclass(frozen=True, slots=True)
class ShownReadiness:
    """The reason and its words; ids of the monitor that serves and of the next one; and every member in order."""

    reason: ReadinessReason
    words: str
    serving: str | None
    next: str | None
    targets: Sequence[ShownTarget]


def read_readiness(monitor: Monitor, now: datetime) -> ShownReadiness:
    """Read it for a composite whose members have ranks."""
    whole = whole_of(monitor)
    found = whole.readiness
    ids = [member.id for member in whole.members]
    keys = {row.public_id: row for row in Monitor.objects.filter(public_id__in=ids).prefetch_related("regions")}
    rows = {row.monitor_id: row for row in KeyHeadroom.objects.filter(monitor__in=list(keys.values()))}
    own = {one: {region.slug for region in row.regions.all()} for one, row in keys.items()}
    latest = counted_results(ids, sorted({slug for slugs in own.values() for slug in slugs}))
    budgets = _budgets(list(keys.values())[:BUDGETS_MOST], now)
    targets = [
        _target(member, rows.get(keys[member.id].pk), _of_own(latest, member.id, own), budgets.get(keys[member.id].pk))
        for member in whole.members
        if member.id in keys
    ]
    names = {one.name: one.id for one in whole.members}
    return ShownReadiness(
        found.reason,
        in_words(found, monitor.name),
        names.get(found.serving.name) if found.serving else None,
        names.get(found.next.name) if found.next else None,
        targets,
    )


def _of_own(latest: Latest, monitor: str, own: Mapping[str, Collection[str]]) -> list[Result]:
    """Results of the monitor's own regions: another one may write of any monitor, and has no say."""
    return [result for region, result in latest.of(monitor).items() if region in own[monitor]]


def _target(
    member: MemberSeen, row: KeyHeadroom | None, results: Sequence[Result], budget: float | None
) -> ShownTarget:
    quota = headroom_of(row).tightest if row is not None else None
    took = [one.phases.total_us for one in results if one.phases.total_us and one.code < 500]
    return ShownTarget(
        monitor=member.id,
        name=member.name,
        group=member.group,
        rank=member.rank,
        status=_STATUS[member.bounds.best] if member.bounds.known else "unknown",
        is_short=member.short,
        left=quota.left if quota is not None else None,
        headroom=headroom_in_words(quota) if quota is not None else "",
        p50_ms=round(median(took) / 1000, 1) if took else None,
        budget_left=budget,
    )


def _budgets(monitors: Sequence[Monitor], now: datetime) -> dict[int, float]:
    """What is left of the error budgets of monitors that have an objective of their own."""
    found: dict[int, float] = {}
    for objective in Objective.objects.filter(monitor__in=monitors, enabled=True).order_by("pk"):
        if objective.monitor_id is not None and objective.monitor_id not in found:
            found[objective.monitor_id] = round(objective_status(objective, now).budget.left, 4)
    return found

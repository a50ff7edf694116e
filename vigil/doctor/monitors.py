"""Findings about monitors: which are blind, and how old what is known of retirements is."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Q, QuerySet

from vigil.doctor.findings import ExaminationContext, Finding, note, problem, warning, well
from vigil.incidents.models import MonitorState
from vigil.model_watch.core.table import STALE_DAYS
from vigil.model_watch.tables import load_table
from vigil.monitors.models import DerivedKind, Monitor

_NAMED = 5


def seen(around: ExaminationContext) -> Iterator[Finding]:
    watched = Monitor.objects.filter(deleted_at=None, paused=False)
    looked_at = watched.exclude(kind__in=DerivedKind.values)
    counted = looked_at.annotate(places=Count("regions", filter=Q(regions__enabled=True)))
    nowhere = counted.filter(places=0)
    if nowhere.exists():
        yield problem(f"{_named(nowhere)}: no region checks it.", "Assign regions to each, or pause it.")
    alone = counted.filter(places=1)
    if alone.exists():
        yield note(f"{_named(alone)}: only one region checks it, and no other confirms.", "Add two regions.")
    blind = MonitorState.objects.filter(blind=True, monitor__in=watched).values("monitor")
    if blind.exists():
        yield warning(f"{_named(watched.filter(pk__in=blind))}: too few regions can vote.", "See the regions above.")
    for monitor in Monitor.objects.filter(deleted_at=None, paused=True).exclude(paused_why="")[:_NAMED]:
        yield warning(f"{monitor.name}: paused by Vigil: {monitor.paused_why}.", "Change it, then resume it.")
    checked, jobs = counted.exclude(places=0).count(), watched.filter(kind=DerivedKind.HEARTBEAT).count()
    yield well(f"Monitors that are checked: {checked}; heartbeats that are expected: {jobs}.")


def retirements(around: ExaminationContext) -> Iterator[Finding]:
    """Table of announced retirements."""
    loaded = load_table()
    if loaded.problem:
        yield problem(f"The table of retirements is not used: {loaded.problem}.", "Mend the file of VIGIL_RETIREMENTS.")
    age = loaded.table.age_days(around.now.date())
    if age > STALE_DAYS:
        advice = "Install a newer release, or name a file of your own in VIGIL_RETIREMENTS."
        yield warning(f"The table of model retirements is {age} days old: newer ones are missed.", advice)
    elif not loaded.problem:
        yield well(f"The table of model retirements is as of {loaded.table.as_of}.")


def _named(monitors: QuerySet[Monitor]) -> str:
    names = list(monitors.order_by("name").values_list("name", flat=True)[: _NAMED + 1])
    more = monitors.count() - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")

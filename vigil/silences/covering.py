"""Silence coverage: current silences for alerts, past ones for uptime, coming ones for dispatch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from vigil.monitors.models import Monitor
from vigil.silences.core.regions import RegionCover, joint_cover
from vigil.silences.core.windows import Window, current, merged, windows
from vigil.silences.models import Silence


@dataclass(frozen=True, slots=True)
class Cover:
    """What mutes alerts now: the names of silences, the end, and the regions if it mutes regional incidents only."""

    name: str
    until: datetime
    regions: frozenset[str] = frozenset()


def has_silences(team: int, at: datetime) -> bool:
    """Whether a team may have any silence at a moment."""
    return _overlapping(at, at).filter(team_id=team).exists()


def muted_by(monitor: Monitor, at: datetime, failing: frozenset[str] = frozenset()) -> list[Cover]:
    """What mutes this monitor's alerts at a moment; a pause mutes too. `failing`: regions of a regional incident."""
    covers: list[Cover] = []
    of_regions: list[RegionCover] = []
    for silence in _touching(monitor, at, at).filter(Q(mutes=True) | Q(pauses=True)):
        window = current(silence.schedule, at)
        if window is None:
            continue
        if silence.regions:
            of_regions.append(RegionCover(silence.name, frozenset(silence.regions), window.ends))
        else:
            covers.append(Cover(silence.name, window.ends))
    joint = joint_cover(of_regions, failing)
    return [*covers, Cover(joint.name, joint.until, joint.regions)] if joint else covers


def excluded_intervals(monitor: Monitor, start: datetime, end: datetime) -> list[Window]:
    """Intervals in [start, end) excluded from uptime, in order; changed or deleted silences count while valid."""
    counted = _touching(monitor, start, end).filter(Q(excludes=True) | Q(pauses=True))
    return merged(window for silence in counted for window in windows(silence.schedule, start, end))


def paused_intervals(start: datetime, end: datetime) -> dict[str, list[Window]]:
    """Intervals within [start, end) without checks, by monitor (public id)."""
    found: dict[str, list[Window]] = {}
    for silence in _overlapping(start, end).filter(pauses=True).prefetch_related("monitors"):
        held = windows(silence.schedule, start, end)
        if not held:
            continue
        for monitor in _covered(silence):
            found[monitor] = found.get(monitor, []) + held
    return {monitor: merged(held) for monitor, held in found.items()}


def covered_monitors(silence: Silence) -> QuerySet[Monitor]:
    """Monitors that a silence covers now."""
    owned = Monitor.objects.filter(team_id=silence.team_id, deleted_at=None)
    if silence.every_monitor:
        return owned
    named = Q(pk__in=silence.monitors.values("pk"))
    for tag in silence.tags:
        named |= Q(tags__contains=[tag])
    return owned.filter(named)


def _covered(silence: Silence) -> Iterable[str]:
    return covered_monitors(silence).values_list("public_id", flat=True)


def _overlapping(start: datetime, end: datetime) -> QuerySet[Silence]:
    """Silences that may have a window in [start, end]; of recurring ones only the bounds are compared."""
    valid = (Q(valid_from=None) | Q(valid_from__lte=end)) & (Q(valid_until=None) | Q(valid_until__gt=start))
    once = Q(cron="", starts_at__lte=end, ends_at__gt=start)
    again = ~Q(cron="") & (Q(starts_at=None) | Q(starts_at__lte=end))
    return Silence.objects.filter(valid & (once | again))


def _touching(monitor: Monitor, start: datetime, end: datetime) -> QuerySet[Silence]:
    about = Q(every_monitor=True) | Q(pk__in=Silence.monitors.through.objects.filter(monitor=monitor).values("silence"))
    for tag in _words(monitor.tags):
        about |= Q(tags__contains=[tag])
    return _overlapping(start, end).filter(about, team_id=monitor.team_id)


def _words(tags: Iterable[str] | Mapping[str, object]) -> list[str]:
    return [tag for tag in tags if isinstance(tag, str)]

"""Which silences cover a monitor: now, for alerts; over a stretch of time, for uptime; soon, for dispatch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from vigil.monitors.models import Monitor
from vigil.silences.core.windows import Window, current, merged, windows
from vigil.silences.models import Silence


@dataclass(frozen=True, slots=True)
class Cover:
    """A silence that holds now, and until when."""

    silence: Silence
    until: datetime


def has_silences(team: int, at: datetime) -> bool:
    """Whether any silence of a team may hold at a moment, whatever it is about."""
    return _overlapping(at, at).filter(team_id=team).exists()


def muted_by(monitor: Monitor, at: datetime) -> list[Cover]:
    """The silences that keep this monitor's alerts back at a moment; what pauses its checks keeps them back as well."""
    covers = []
    for silence in _touching(monitor, at, at).filter(Q(mutes=True) | Q(pauses=True)):
        window = current(silence.schedule, at)
        if window is not None:
            covers.append(Cover(silence, window.ends))
    return covers


def excluded_intervals(monitor: Monitor, start: datetime, end: datetime) -> list[Window]:
    """When within [start, end) time does not count in this monitor's uptime: in order, without overlap.

    What is past stays: a silence that was changed or deleted counts for as long as it was valid.
    """
    counted = _touching(monitor, start, end).filter(Q(excludes=True) | Q(pauses=True))
    return merged(window for silence in counted for window in windows(silence.schedule, start, end))


def paused_intervals(start: datetime, end: datetime) -> dict[str, list[Window]]:
    """When within [start, end) which monitors (public ids) are not to be checked; the others are not in it."""
    found: dict[str, list[Window]] = {}
    for silence in _overlapping(start, end).filter(pauses=True).prefetch_related("monitors"):
        held = windows(silence.schedule, start, end)
        if not held:
            continue
        for monitor in _covered(silence):
            found[monitor] = found.get(monitor, []) + held
    return {monitor: merged(held) for monitor, held in found.items()}


def is_paused(monitor: Monitor, at: datetime) -> bool:
    """Whether a window keeps this monitor from being checked, or its pings from being expected, at a moment."""
    pausing = _touching(monitor, at, at).filter(pauses=True)
    return any(current(silence.schedule, at) is not None for silence in pausing)


def covered_monitors(silence: Silence) -> QuerySet[Monitor]:
    """The monitors that a silence is about, as they are now."""
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
    """Those that may have a window in [start, end]; of the recurring ones, only their bounds are looked at here."""
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

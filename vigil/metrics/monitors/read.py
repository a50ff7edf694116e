"""Read side of the metrics of monitors: two reads, of PostgreSQL and of the latest results in Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from probes.reasons import Status
from probes.wire import Result
from vigil.accounts.models import Team
from vigil.metrics.core.monitor_samples import FAMILIES, PAUSED, MeasuredMonitor, Seen, add_monitor, fresh
from vigil.metrics.core.text import SampleText
from vigil.monitors.core.targets import target_of
from vigil.monitors.live.results import MAX_MONITORS, latest_results
from vigil.monitors.models import Monitor, Region

_COLUMNS = (
    "public_id", "name", "kind", "config", "team__public_id", "paused", "believed__status", "interval_s",
)  # fmt: skip
#: Scrapers whose counts are remembered; further ones begin anew.
SCOPES_MOST = 50
#: Where a configuration names its target.
_TARGETS = ("url", "host", "domain", "name")


@dataclass(frozen=True, slots=True)
class MonitorPart:
    """One of several equal parts of all monitors, from 1, so that a large installation is scraped in parts."""

    number: int = 1
    parts: int = 1


class TooManyMonitors(Exception):
    """A scrape would be of more monitors than one answer tells of."""


class RedisAway(Exception):
    """The latest results cannot be read."""


class MonitorMetrics:
    """The metrics of all monitors, and how often checks passed since this process was first scraped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, Seen] = {}

    def text(self, team: Team | None, part: MonitorPart) -> bytes:
        """The metrics of a team's monitors, or of all. Raises `TooManyMonitors` and `RedisAway`."""
        monitors = measured(_scoped(team), part)
        latest = latest_results([monitor.public_id for monitor in monitors], _regions())
        if not latest.available:
            raise RedisAway
        now_ms, page = time.time_ns() // 1_000_000, SampleText(FAMILIES)
        scope = f"{team.public_id if team else ''} {part.number}/{part.parts}"
        with self._lock:
            # What is no longer there is forgotten; so is a scope, once there are more than a server has scrapers.
            remembered = self._seen.pop(scope, {})
            seen: Seen = {}
            for monitor in monitors:
                add_monitor(page, monitor, fresh(monitor, latest.of(monitor.public_id), now_ms), seen, remembered)
            self._seen[scope] = seen
            while len(self._seen) > SCOPES_MOST:
                self._seen.pop(next(iter(self._seen)))
        return page.text()


def measured(monitors: QuerySet[Monitor], part: MonitorPart = MonitorPart()) -> list[MeasuredMonitor]:
    """The monitors of a part, by id. Raises `TooManyMonitors`."""
    if part.parts > 1:
        monitors = monitors.annotate(part=F("pk") % part.parts).filter(part=part.number - 1)
    rows = list(monitors.order_by("pk").values_list(*_COLUMNS)[: MAX_MONITORS + 1])
    if len(rows) > MAX_MONITORS:
        raise TooManyMonitors
    return [
        MeasuredMonitor(public_id, name, kind, target_of(config), team, _state(paused, status), interval_s)
        for public_id, name, kind, config, team, paused, status, interval_s in rows
    ]


def found(team: Team | None, target: str, kind: str) -> list[MeasuredMonitor]:
    """At most two monitors that a scraper means by a target: an id, a name, or what is checked."""
    named = Q(public_id=target) | Q(name=target)
    for field in _TARGETS:
        named |= Q(**{f"config__{field}": target})
    monitors = _scoped(team).filter(named)
    if kind:
        monitors = monitors.filter(kind=kind)
    rows = list(monitors.order_by("pk").values_list("pk", "public_id")[:2])
    exact = [key for key, public_id in rows if public_id == target] or [key for key, _ in rows]
    return measured(Monitor.objects.filter(pk__in=exact))


def results_of(monitor: MeasuredMonitor, regions: Sequence[str] = ()) -> dict[str, Result]:
    """The fresh results of one monitor by region. Raises `RedisAway`."""
    latest = latest_results([monitor.public_id], regions or _regions())
    if not latest.available:
        raise RedisAway
    now_ms = time.time_ns() // 1_000_000
    return fresh(monitor, latest.of(monitor.public_id), now_ms)


def _scoped(team: Team | None) -> QuerySet[Monitor]:
    monitors = Monitor.objects.filter(deleted_at=None)
    return monitors if team is None else monitors.filter(team=team)


def _regions() -> list[str]:
    return list(Region.objects.filter(enabled=True).order_by("slug").values_list("slug", flat=True))


def _state(paused: bool, status: str | None) -> str:
    return PAUSED if paused else status or Status.UNKNOWN.value

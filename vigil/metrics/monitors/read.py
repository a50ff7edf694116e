"""Read side of the metrics of monitors: two reads, of PostgreSQL and of the latest results in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db.models import F, Q, QuerySet
from redis.exceptions import RedisError

from probes.process.redis_streams import redis_now_ms
from probes.reasons import Status
from probes.wire import Result
from vigil.accounts.models import Team
from vigil.metrics.core.monitor_samples import FAMILIES, PAUSED, MeasuredMonitor, add_monitor, fresh
from vigil.metrics.core.probe_query import ProbeQuery
from vigil.metrics.core.scraped_checks import Scraped
from vigil.metrics.core.text import SampleText
from vigil.metrics.monitors.scraped import read_scraped, write_scraped
from vigil.monitors.core.targets import target_of
from vigil.monitors.live import results as live
from vigil.monitors.live.results import MAX_MONITORS, latest_results
from vigil.monitors.models import Monitor, Region

_log = structlog.get_logger(__name__)

_COLUMNS = (
    "public_id", "name", "kind", "config", "team__public_id", "paused", "believed__status", "interval_s",
)  # fmt: skip
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


def monitors_text(team: Team | None, part: MonitorPart) -> bytes:
    """The metrics of a team's monitors, or of all. Raises `TooManyMonitors` and `RedisAway`."""
    monitors, regions = measured(_scoped(team), part), _regions()
    named = [monitor.public_id for monitor in monitors]
    latest = latest_results(named, regions)
    if not latest.available:
        raise RedisAway
    page = SampleText(FAMILIES)
    changed: dict[str, Scraped] = {}
    try:
        # Not this machine's clock: were it ahead, every region would look silent.
        now_ms = redis_now_ms(live.redis_client())
        remembered = read_scraped(named)
        for monitor in monitors:
            before = remembered[monitor.public_id]
            scraped = add_monitor(page, monitor, fresh(monitor, latest.of(monitor.public_id), now_ms), before)
            if scraped != before:
                changed[monitor.public_id] = {key: one for key, one in scraped.items() if key in regions}
        write_scraped(changed)
    except RedisError as problem:
        _log.warning("redis.away", wanted="scraped", error=type(problem).__name__)
        raise RedisAway from problem
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


def found(team: Team | None, query: ProbeQuery) -> list[MeasuredMonitor]:
    """At most two monitors that a scraper means by a target: an id, a name, or what is checked."""
    target = query.target
    named = Q(public_id=target) | Q(name=target)
    for field in _TARGETS:
        named |= Q(**{f"config__{field}__in": query.addresses})
    if query.endpoint:
        host, port = query.endpoint
        named |= Q(config__host=host, config__port=port)
    monitors = _scoped(team)
    if query.kind:
        monitors = monitors.filter(kind=query.kind)
    # The label `instance` is an address without its query: it counts where no monitor has the address itself.
    shortened = Q(config__url__startswith=f"{target}?")
    rows = _two(monitors.filter(named)) or _two(monitors.filter(shortened))
    exact = [key for key, public_id in rows if public_id == target] or [key for key, _ in rows]
    return measured(Monitor.objects.filter(pk__in=exact))


def _two(monitors: QuerySet[Monitor]) -> list[tuple[int, str]]:
    return list(monitors.order_by("pk").values_list("pk", "public_id")[:2])


def results_of(monitor: MeasuredMonitor, regions: Sequence[str] = ()) -> dict[str, Result]:
    """The fresh results of one monitor by region. Raises `RedisAway`."""
    latest = latest_results([monitor.public_id], regions or _regions())
    if not latest.available:
        raise RedisAway
    try:
        now_ms = redis_now_ms(live.redis_client())
    except RedisError as problem:
        raise RedisAway from problem
    return fresh(monitor, latest.of(monitor.public_id), now_ms)


def _scoped(team: Team | None) -> QuerySet[Monitor]:
    monitors = Monitor.objects.filter(deleted_at=None)
    return monitors if team is None else monitors.filter(team=team)


def _regions() -> list[str]:
    return list(Region.objects.filter(enabled=True).order_by("slug").values_list("slug", flat=True))


def _state(paused: bool, status: str | None) -> str:
    return PAUSED if paused else status or Status.UNKNOWN.value

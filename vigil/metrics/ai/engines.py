"""Metrics of inference servers and MCP servers that are watched: engines by phase, the oldest wait, and versions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from probes.ai.mcp.messages import LEGACY, MODERN
from probes.ai.saturation.progress import EnginePhase
from probes.wire import Result
from vigil.clock import database_now
from vigil.metrics.registry import OTHERS
from vigil.monitors.core.engine_facts import ToldServer, told_server
from vigil.monitors.live.results import MAX_MONITORS, Latest, counted_results
from vigil.monitors.models import Monitor, Region
from vigil.tool_watch.models import ToolList

#: Thousands of results are not read for every scraper (s).
FRESH_S = 30.0
#: A result older than two intervals and this (s) tells nothing of now, nor does one of later than this.
_LATE_S = 300.0
_VERSIONS = (MODERN, *LEGACY)


class EngineCollector(Collector):
    """Asks the tables and Redis every half minute at most; of engines nothing while Redis is away.

    Raises `django.db.Error`.
    """

    def __init__(self) -> None:
        self._found: list[GaugeMetricFamily] = []
        self._read_at_s = -FRESH_S

    def collect(self) -> Iterable[GaugeMetricFamily]:
        if time.monotonic() - self._read_at_s >= FRESH_S:
            self._found, self._read_at_s = [*_engines(), _servers()], time.monotonic()
        return self._found


def _servers() -> GaugeMetricFamily:
    family = GaugeMetricFamily("vigil_ai_mcp_servers", "MCP servers that are watched.", labels=["version"])
    watched = ToolList.objects.filter(monitor__deleted_at=None, monitor__paused=False)
    counted = Counter(dict.fromkeys(_VERSIONS, 0))
    for version, count in watched.order_by().values_list("version").annotate(Count("pk")):
        counted[version if version in _VERSIONS else OTHERS] += count
    for version, count in sorted(counted.items()):
        family.add_metric([version], count)
    return family


def _engines() -> Iterable[GaugeMetricFamily]:
    watched = Monitor.objects.filter(kind="saturation", deleted_at=None, paused=False).order_by("pk")
    intervals = dict(watched.values_list("public_id", "interval_s")[:MAX_MONITORS])
    monitors = list(intervals)
    own: dict[str, set[str]] = {}
    looking = (
        Region.objects.filter(enabled=True, monitors__public_id__in=monitors) if monitors else Region.objects.none()
    )
    for monitor, region in looking.values_list("monitors__public_id", "slug"):
        own.setdefault(monitor, set()).add(region)
    found = counted_results(monitors, sorted({region for regions in own.values() for region in regions}))
    if not found.available:
        return
    now_s = database_now().timestamp()
    servers = [
        server
        for monitor, interval_s in intervals.items()
        if (server := _newest(_of_own(found, monitor, own), now_s, interval_s)) is not None
    ]
    phases = Counter(dict.fromkeys((phase.value for phase in EnginePhase), 0))
    phases.update(engine.phase for server in servers for engine in server.engines)
    family = GaugeMetricFamily("vigil_ai_engines", "Engines of inference servers that are watched.", labels=["phase"])
    for phase, count in sorted(phases.items()):
        family.add_metric([phase], count)
    yield family
    oldest = max((server.numbers.get("queue_age_s", 0.0) for server in servers), default=0.0)
    yield GaugeMetricFamily("vigil_ai_queue_age_seconds", "The longest wait in a queue, at least.", value=oldest)


def _of_own(found: Latest, monitor: str, own: Mapping[str, Collection[str]]) -> list[Result]:
    """Results of the monitor's own regions: another one may write of any monitor, and has no say."""
    return [result for region, result in found.of(monitor).items() if region in own.get(monitor, ())]


def _newest(results: Iterable[Result], now_s: float, interval_s: int) -> ToldServer | None:
    """What the newest result tells that tells of a server; None where none is of now."""
    oldest_s = now_s - 2 * interval_s - _LATE_S
    fresh = (result for result in results if oldest_s <= result.started_ms / 1000 <= now_s + _LATE_S)
    ordered = sorted(fresh, key=lambda result: result.started_ms, reverse=True)
    return next((told for result in ordered if (told := told_server(result.facts)) is not None), None)

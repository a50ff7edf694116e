"""Metrics of inference servers and MCP servers that are watched: engines by phase, the oldest wait, and versions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from probes.ai.mcp.messages import LEGACY, MODERN
from probes.ai.saturation.progress import EnginePhase
from probes.wire import Result
from vigil.metrics.registry import OTHERS
from vigil.monitors.core.engine_facts import ToldServer, told_server
from vigil.monitors.live.results import MAX_MONITORS, latest_results
from vigil.monitors.models import Monitor, Region
from vigil.tool_watch.models import ToolList

#: Thousands of results are not read for every scraper (s).
FRESH_S = 30.0
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
    monitors = list(watched.values_list("public_id", flat=True)[:MAX_MONITORS])
    regions = list(Region.objects.values_list("slug", flat=True)) if monitors else []
    found = latest_results(monitors, regions)
    if not found.available:
        return
    servers = [server for monitor in monitors if (server := _newest(found.of(monitor).values())) is not None]
    phases = Counter(dict.fromkeys((phase.value for phase in EnginePhase), 0))
    phases.update(engine.phase for server in servers for engine in server.engines)
    family = GaugeMetricFamily("vigil_ai_engines", "Engines of inference servers that are watched.", labels=["phase"])
    for phase, count in sorted(phases.items()):
        family.add_metric([phase], count)
    yield family
    oldest = max((server.numbers.get("queue_age_s", 0.0) for server in servers), default=0.0)
    yield GaugeMetricFamily("vigil_ai_queue_age_seconds", "The longest wait in a queue, at least.", value=oldest)


def _newest(results: Iterable[Result]) -> ToldServer | None:
    """What the newest result tells that tells of a server."""
    ordered = sorted(results, key=lambda result: result.started_ms, reverse=True)
    return next((told for result in ordered if (told := told_server(result.facts)) is not None), None)

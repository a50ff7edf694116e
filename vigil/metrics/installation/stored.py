"""Metrics of what is stored: monitors by status, open incidents by kind, and the growth of the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from probes.reasons import Status
from vigil.history.models import SizeSample
from vigil.history.storage.size import growth
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident
from vigil.incidents.shown_status import PAUSED
from vigil.monitors.models import Monitor


class StoredCollector(Collector):
    """Asks three tables at each scrape. Raises `django.db.Error` when PostgreSQL is away."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        yield _monitors()
        yield _incidents()
        newest = SizeSample.objects.order_by("-day").first()
        if newest is not None:
            yield GaugeMetricFamily("vigil_database_bytes", "Size of the database today.", newest.database_bytes)
            yield GaugeMetricFamily("vigil_history_bytes", "Size of the history today.", newest.history_bytes)
        grown = growth()
        if grown is not None:
            yield GaugeMetricFamily(
                "vigil_database_growth_bytes", "Growth of the database a day, over two weeks.", grown.bytes_per_day
            )


def _monitors() -> GaugeMetricFamily:
    counted = Counter(dict.fromkeys((*Status, PAUSED), 0))
    rows = Monitor.objects.filter(deleted_at=None).order_by().values_list("paused", "believed__status")
    for paused, status, count in rows.annotate(Count("pk")):
        counted[PAUSED if paused else status or Status.UNKNOWN] += count
    family = GaugeMetricFamily("vigil_monitors", "Monitors by status.", labels=["status"])
    for name, count in counted.items():
        family.add_metric([str(name)], count)
    return family


def _incidents() -> GaugeMetricFamily:
    counted = Counter(dict.fromkeys(IncidentKind, 0))
    for kind, count in Incident.objects.filter(resolved_at=None).order_by().values_list("kind").annotate(Count("pk")):
        counted[IncidentKind(kind)] += count
    family = GaugeMetricFamily("vigil_incidents_open", "Open incidents by kind.", labels=["kind"])
    for kind, count in counted.items():
        family.add_metric([kind.value], count)
    return family

"""Metric of dead letters that wait for a person, by loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from vigil.deadletters.actions import waiting
from vigil.metrics.registry import OTHERS

#: Every loop that isolates what fails; each has a value also while it is 0.
LOOPS = (
    "consensus", "deliver", "dispatch", "dispatch.watch", "heartbeats", "ingest", "letters", "record", "reports",
    "status_pages", "witness",
)  # fmt: skip


class DeadLetterCollector(Collector):
    """Asks the table at each scrape. Raises `django.db.Error` when PostgreSQL is away."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        counted = Counter(dict.fromkeys(LOOPS, 0))
        for source, count in waiting().order_by().values_list("source").annotate(Count("pk")):
            counted[source if source in LOOPS else OTHERS] += count
        family = GaugeMetricFamily("vigil_dead_letters", "Dead letters that wait for a person.", labels=["loop"])
        for loop, count in sorted(counted.items()):
            family.add_metric([loop], count)
        yield family

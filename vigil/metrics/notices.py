"""Metric of notices that were told, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from vigil.metrics.registry import OTHERS
from vigil.notices.core.notice import NoticeKind
from vigil.notices.models import StoredNotice


class NoticeCollector(Collector):
    """Asks the table at each scrape. Raises `django.db.Error` when PostgreSQL is away."""

    def collect(self) -> Iterable[CounterMetricFamily]:
        counted = Counter(dict.fromkeys((kind.value for kind in NoticeKind), 0))
        for kind, count in StoredNotice.objects.order_by().values_list("kind").annotate(Count("pk")):
            counted[kind if kind in set(NoticeKind) else OTHERS] += count
        family = CounterMetricFamily("vigil_notices", "Notices that were told.", labels=["kind"])
        for kind, count in sorted(counted.items()):
            family.add_metric([kind], count)
        yield family

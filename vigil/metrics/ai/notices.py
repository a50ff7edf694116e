"""Metrics of notices that were told, by kind, and of models in use: the days that are left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vigil.clock import database_now
from vigil.metrics.registry import OTHERS
from vigil.model_watch.models import DatedModel
from vigil.notices.core.notice import NoticeKind
from vigil.notices.models import ForgottenNotices, StoredNotice

#: Models that are told apart, those that retire first.
MODELS_MOST = 500


class NoticeCollector(Collector):
    """Asks two tables at each scrape. Raises `django.db.Error` when PostgreSQL is away."""

    def collect(self) -> Iterable[CounterMetricFamily]:
        counted = Counter(dict.fromkeys((kind.value for kind in NoticeKind), 0))
        for kind, count in StoredNotice.objects.order_by().values_list("kind").annotate(Count("pk")):
            counted[kind if kind in set(NoticeKind) else OTHERS] += count
        for kind, count in ForgottenNotices.objects.values_list("kind", "count"):
            counted[kind if kind in set(NoticeKind) else OTHERS] += count
        family = CounterMetricFamily("vigil_notices", "Notices that were told.", labels=["kind"])
        for kind, count in sorted(counted.items()):
            family.add_metric([kind], count)
        yield family


class ModelCollector(Collector):
    """Asks the table at each scrape. Raises `django.db.Error` when PostgreSQL is away."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "vigil_ai_model_retires_days",
            "Days until a model in use retires; below 0 it has.",
            labels=["provider", "model"],
        )
        today = database_now().date()
        dated = DatedModel.objects.order_by("day", "provider", "model")
        # Several teams may use one model: its day is that of its provider.
        days = {(row.provider, row.model): (row.day - today).days for row in dated[:MODELS_MOST]}
        for labels, left in days.items():
            family.add_metric(labels, left)
        yield family

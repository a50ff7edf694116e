"""Metrics of the outbox: deliveries that wait, by kind of channel."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from vigil.alerts.models import Delivery, DeliveryState
from vigil.clock import database_now

_WAITING = (DeliveryState.PENDING, DeliveryState.SENDING)


class OutboxCollector(Collector):
    """Asks one table at each scrape. Raises `django.db.Error` when PostgreSQL is away."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        now, labels = database_now(), ["kind"]
        waiting = GaugeMetricFamily("vigil_deliveries_waiting", "Deliveries that are due or sent now.", labels=labels)
        oldest = GaugeMetricFamily(
            "vigil_deliveries_oldest_seconds", "Time since the oldest of them was written.", labels=labels
        )
        rows = Delivery.objects.order_by()
        for kind, count, since in (
            rows.filter(state__in=_WAITING).values_list("channel__kind").annotate(Count("pk"), Min("created_at"))
        ):
            waiting.add_metric([kind], count)
            oldest.add_metric([kind], max(0.0, (now - since).total_seconds()))
        yield from (waiting, oldest)

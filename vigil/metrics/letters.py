"""Metrics of letters to subscribers of status pages, by kind: what waits, and what became of the others."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Min
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vigil.clock import database_now
from vigil.status.core.subscriber_terms import SubscriberKind
from vigil.status.subscriber_models import UNFINISHED, LetterCount, SubscriberLetter


class LetterCollector(Collector):
    """Asks two tables at each scrape. Raises `django.db.Error` when PostgreSQL is away."""

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        now, labels = database_now(), ["kind"]
        waiting = GaugeMetricFamily("vigil_letters_waiting", "Letters to subscribers on their way.", labels=labels)
        oldest = GaugeMetricFamily(
            "vigil_letters_oldest_seconds", "Age of the oldest letter on its way; 0 without one.", labels=labels
        )
        sent = CounterMetricFamily("vigil_letters_sent", "Letters that their receivers have accepted.", labels=labels)
        dead = CounterMetricFamily("vigil_letters_dead", "Letters that were tried and given up.", labels=labels)
        rows = SubscriberLetter.objects.filter(state__in=UNFINISHED).order_by().values_list("kind")
        found = {kind: (count, since) for kind, count, since in rows.annotate(Count("pk"), Min("created_at"))}
        counted = {one.kind: one for one in LetterCount.objects.all()}
        for kind in SubscriberKind:
            count, since = found.get(kind, (0, now))
            waiting.add_metric([kind], count)
            oldest.add_metric([kind], max(0.0, (now - since).total_seconds()))
            ended = counted.get(kind, LetterCount())
            sent.add_metric([kind], ended.sent)
            dead.add_metric([kind], ended.dead)
        yield from (waiting, oldest, sent, dead)

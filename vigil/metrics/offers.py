"""Metrics of gateways' offers: uptime, first token and price of each provider of a model."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from vigil.clock import database_now
from vigil.offers.models import MonitorOffers

#: Older offers are those of no gateway that still answers.
FRESH = timedelta(hours=1)
#: Pairs of model and provider; gateways name the providers, so their number is bounded.
PAIRS_MOST = 1_000


class OfferCollector(Collector):
    """Asks the table at each scrape. Raises `django.db.Error` when PostgreSQL is away."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        labels = ["model", "provider"]
        uptime = GaugeMetricFamily("vigil_ai_offer_uptime_percent", "Uptime of 30 minutes, as told.", labels=labels)
        first_token = GaugeMetricFamily(
            "vigil_ai_offer_first_token_ms", "Median time to first token, as told.", labels=labels
        )
        price = GaugeMetricFamily(
            "vigil_ai_offer_price_usd", "Price of a million tokens.", labels=[*labels, "direction"]
        )
        seen: set[tuple[str, str]] = set()
        for row in MonitorOffers.objects.filter(read_at__gt=database_now() - FRESH).order_by("monitor"):
            for offer in row.offers:
                pair = (row.model, offer.tag)
                if pair in seen or len(seen) >= PAIRS_MOST:
                    continue
                seen.add(pair)
                if offer.uptime_30m is not None:
                    uptime.add_metric(pair, offer.uptime_30m)
                if offer.latency_ms:
                    first_token.add_metric(pair, offer.latency_ms[0])
                for direction, amount in (("in", offer.price_in), ("out", offer.price_out)):
                    if amount:
                        price.add_metric([*pair, direction], float(amount))
        yield from (uptime, first_token, price)

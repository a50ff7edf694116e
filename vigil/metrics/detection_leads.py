"""Metric of detection leads: the median lead over each provider's page, of a year."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from statistics import median

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from vigil.clock import database_now
from vigil.feeds.core.detection_lead import LeadState
from vigil.incidents.models import DetectionLead

YEAR = timedelta(days=365)
LEADS_MOST = 10_000


class DetectionLeadCollector(Collector):
    """Asks the table at each scrape. Raises `django.db.Error` when PostgreSQL is away."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        told = DetectionLead.objects.filter(state=LeadState.TOLD, incident__opened_at__gt=database_now() - YEAR)
        found: dict[str, list[int]] = {}
        for lead in told.select_related("incident").order_by("-incident__opened_at")[:LEADS_MOST]:
            if lead.figures is not None:
                found.setdefault(lead.incident.provider, []).append(lead.figures.counted_s)
        family = GaugeMetricFamily(
            "vigil_ai_detection_lead_seconds", "Median lead over the provider's page, of a year.", labels=["provider"]
        )
        for provider, leads in sorted(found.items()):
            family.add_metric([provider], median(leads))
        yield family

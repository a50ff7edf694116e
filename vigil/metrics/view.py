"""The page `/metrics` of the web process: for a scraper on this machine, or with an API token that may read."""

from __future__ import annotations

from functools import lru_cache

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry

from vigil.accounts.models import Team
from vigil.metrics.access import reader_of
from vigil.metrics.ai.canaries import CanaryCollector
from vigil.metrics.ai.engines import EngineCollector
from vigil.metrics.ai.keys import KeyCollector
from vigil.metrics.ai.notices import ModelCollector, NoticeCollector
from vigil.metrics.dead_letters import DeadLetterCollector
from vigil.metrics.detection_leads import DetectionLeadCollector
from vigil.metrics.installation.outbox import OutboxCollector
from vigil.metrics.installation.pings import PingCollector
from vigil.metrics.installation.regions import RegionCollector
from vigil.metrics.installation.stored import StoredCollector
from vigil.metrics.letters import LetterCollector
from vigil.metrics.minutes_lost import MinutesLostCollector
from vigil.metrics.offers import OfferCollector
from vigil.metrics.refusals import RefusalCollector
from vigil.metrics.registry import exposed, registry_of
from vigil.metrics.shards import ShardCollector

#: Figures of teams, under names that their members have written: monitors, models, providers.
_OF_TEAMS = (
    CanaryCollector, DetectionLeadCollector, EngineCollector, KeyCollector, MinutesLostCollector, ModelCollector,
    NoticeCollector, OfferCollector,
)  # fmt: skip


@lru_cache(maxsize=2)
def registry(of_teams: bool = True) -> CollectorRegistry:
    """The registry of the web process, which also tells what is in the servers; with the figures of teams, or not."""
    return registry_of(
        "web",
        *(collector() for collector in _OF_TEAMS if of_teams),
        DeadLetterCollector(),
        LetterCollector(),
        OutboxCollector(),
        PingCollector(),
        RefusalCollector(),
        RegionCollector(),
        ShardCollector(),
        StoredCollector(),
    )


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics as text, and to one team of several none of teams.

    401 without a token from elsewhere, 503 while PostgreSQL is away.
    """
    reader = reader_of(request)
    if isinstance(reader, HttpResponse):
        return reader
    try:
        # They are of all teams together, and no team reads those of another.
        of_teams = reader is None or not Team.objects.exclude(pk=reader.pk).exists()
        text, content_type = exposed(registry(of_teams), request.headers.get("Accept", ""))
    except DatabaseError:
        return HttpResponse("PostgreSQL is away.\n", content_type="text/plain", status=503)
    return HttpResponse(text, content_type=content_type)

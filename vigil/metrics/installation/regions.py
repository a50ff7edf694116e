"""Metrics of regions: age of their status, load of their workers, and batches that wait in their queues."""

from __future__ import annotations

from collections.abc import Iterable

import redis
import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from probes import keys
from probes.process.redis_streams import redis_now_ms
from probes.wire import Lane
from vigil.monitors.live.results import redis_client, region_statuses
from vigil.monitors.models import Region

log = structlog.get_logger(__name__)


class RegionCollector(Collector):
    """Asks PostgreSQL and Redis at each scrape; while Redis is away, that is all it tells."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        regions = list(Region.objects.filter(enabled=True).order_by("slug").values_list("slug", flat=True))
        away = GaugeMetricFamily(
            "vigil_server_away", "1 while the process is without this server.", labels=["process", "server"]
        )
        try:
            found = list(_told(regions))
        except redis.RedisError as problem:
            log.warning("redis.away", wanted="regions", error=type(problem).__name__)
            found = []
        away.add_metric(["web", "redis"], float(not found))
        yield away
        yield from found


def _told(regions: list[str]) -> Iterable[GaugeMetricFamily]:
    """Raises `redis.RedisError` when Redis is away."""
    now_ms, statuses = redis_now_ms(redis_client()), region_statuses(regions).by_region
    reports = GaugeMetricFamily(
        "vigil_region_reports", "1 while a worker of the region has reported within 45 s.", labels=["region"]
    )
    age = GaugeMetricFamily(
        "vigil_region_age_seconds", "Time since the last report of the region's worker.", labels=["region"]
    )
    held = GaugeMetricFamily(
        "vigil_region_queue_age_seconds", "Age of the oldest check that the region's worker holds.", labels=["region"]
    )
    waiting = GaugeMetricFamily(
        "vigil_region_queue_batches", "Batches of checks that wait for the region's worker.", labels=["region", "lane"]
    )
    for region in regions:
        status = statuses.get(region)
        reports.add_metric([region], float(status is not None))
        if status is not None:
            age.add_metric([region], max(0, now_ms - status.at_ms) / 1000)
            held.add_metric([region], status.queue_age_ms / 1000)
    for (region, lane), batches in _queues(regions).items():
        waiting.add_metric([region, lane.value], batches)
    return (reports, age, held, waiting)


def _queues(regions: list[str]) -> dict[tuple[str, Lane], int]:
    named = [(region, lane) for region in regions for lane in Lane]
    pipe = redis_client().pipeline(transaction=False)
    for region, lane in named:
        pipe.llen(keys.celery_prefix(region) + keys.queue(region, lane))
    # A region may write anything to its own keys: one that is no list is no queue, and says nothing of the others.
    answers = pipe.execute(raise_on_error=False) if named else []
    if broken := next((one for one in answers if isinstance(one, redis.RedisError) and not _is_own_fault(one)), None):
        raise broken
    return {place: one for place, one in zip(named, answers, strict=True) if isinstance(one, int)}


def _is_own_fault(answer: redis.RedisError) -> bool:
    return isinstance(answer, redis.ResponseError) and str(answer).startswith("WRONGTYPE")

"""Metric of what regions wrote and nothing took, by cause and region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import redis
import structlog
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from probes import keys
from probes.admission import Refusal
from vigil.metrics.registry import OTHERS
from vigil.monitors.live.results import redis_client
from vigil.monitors.models import Region

log = structlog.get_logger(__name__)

_CAUSES = frozenset(cause.value for cause in Refusal)


class RefusalCollector(Collector):
    """Asks Redis at each scrape; while it is away the metric is absent. Counts begin anew a day after the last one."""

    def collect(self) -> Iterable[CounterMetricFamily]:
        family = CounterMetricFamily(
            "vigil_refused", "Entries and results that were refused at the boundary.", labels=["cause", "origin"]
        )
        try:
            stored: dict[bytes, bytes] = redis_client().hgetall(keys.REFUSED)  # type: ignore[assignment]
        except redis.RedisError as problem:
            log.warning("redis.away", wanted="refused", error=type(problem).__name__)
            return
        regions = frozenset(Region.objects.values_list("slug", flat=True))
        for (cause, origin), count in sorted(counted(stored, regions).items()):
            family.add_metric([cause, origin], count)
        yield family


def counted(stored: Mapping[bytes, bytes], regions: frozenset[str]) -> Counter[tuple[str, str]]:
    """Counts by cause and region; regions and causes that are not known are one."""
    found: Counter[tuple[str, str]] = Counter()
    for name, count in stored.items():
        region, _, cause = name.decode("utf-8", "replace").rpartition("/")
        if count.isdigit() and len(count) < 16:
            known = cause if cause in _CAUSES else OTHERS, region if region in regions else OTHERS
            found[known] += int(count)
    return found

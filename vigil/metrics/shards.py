"""Metric of the shards: which of them are led, by part of the control plane."""

from __future__ import annotations

from collections.abc import Iterable

import redis
import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from consensus.shards import Shard, shards_of
from probes import keys
from probes.process.liveness import silent_parts
from vigil.control_keys import control_macs
from vigil.incidents.shards import committed
from vigil.monitors.live.results import redis_client

log = structlog.get_logger(__name__)

#: The parts of a shard that hold a lease; ingest writes marks of life instead.
_LEASED = ("consensus", "record")
#: The label of the one shard of an installation that is not split.
WHOLE = "whole"


class ShardCollector(Collector):
    """Asks PostgreSQL and Redis at each scrape; while Redis is away the metric is absent."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "vigil_shard_led", "1 while a process leads this shard of a part, else 0.", labels=["part", "shard"]
        )
        present = committed()
        shards = shards_of(present.shards if present else 1)
        try:
            led = _led(redis_client(), shards)
        except redis.RedisError as problem:
            log.warning("redis.away", wanted="shards", error=type(problem).__name__)
            return
        for part in (*_LEASED, "ingest"):
            for shard in shards:
                family.add_metric([part, shard.name or WHOLE], float(shard.named(part) in led))
        yield family


def _led(client: redis.Redis, shards: list[Shard]) -> set[str]:
    """The names of the parts of these shards that are led now."""
    leased = [shard.named(part) for part in _LEASED for shard in shards]
    marked = [shard.named("ingest") for shard in shards]
    pipe = client.pipeline(transaction=False)
    for name in leased:
        pipe.exists(keys.lease(name))
    held = {name for name, exists in zip(leased, pipe.execute(), strict=True) if exists}
    return held | (set(marked) - set(silent_parts(client, marked, control_macs())))

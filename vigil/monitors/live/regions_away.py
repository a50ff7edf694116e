"""The regions' Redis away by itself: what needs it waits, and all else of a process goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis
import structlog

from probes.process.connections.split import SplitRedis
from probes.process.health import Health
from probes.process.redis_client import described, is_away

log = structlog.get_logger(__name__)

#: How long it is left alone after a failure (s): each attempt may cost its deadline.
REST_S = 5.0


class RegionsAway:
    """Does work that needs the regions' Redis. With one server for all, a failure is that of the process."""

    def __init__(self, client: redis.Redis, health: Health, now_s: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._health = health
        self._now_s = now_s
        self._rests_until_s = float("-inf")

    def attempt(self, name: str, work: Callable[[], object]) -> None:
        """Do it, unless its server was away a moment ago. Raises what `work` raises of anything else."""
        if not isinstance(self._client, SplitRedis):
            work()
            return
        if self._now_s() < self._rests_until_s:
            return
        try:
            work()
        except redis.RedisError as error:
            if not is_away(error):
                raise
            # Where the other one is away too, the process is held up.
            self._client.control.ping()
            self._rests_until_s = self._now_s() + REST_S
            log.warning("redis.away", server="regions", wanted=name, error=described(error))
            self._health.beat(regions_redis=described(error))
        else:
            self._health.beat(regions_redis=None)

"""Workers of regions: when a new process of one is first seen, and what a region that is gone leaves behind."""

from __future__ import annotations

import re
from collections.abc import Mapping

import redis
import structlog
from django.db.models.functions import Now

from probes import keys
from probes.wire import RegionStatus
from vigil.monitors.live.results import redis_client
from vigil.monitors.models import Region

log = structlog.get_logger()

#: What tells a region that its own network is at fault, before it can see anything wrong in its targets.
ANCHORS_ADVICE = (
    "Name 3 to 10 addresses of 3 organisations that this region surely reaches: "
    "while most of them fail, it does not vote."
)

#: Form of a worker's boot id; anything else is ignored.
_BOOT = re.compile(r"[0-9a-f]{32}")
_KNOWN_MOST = 16


def forget(slug: str) -> None:
    """Delete what a region that is gone wrote to Redis; while Redis is away that stays, and is read by no process."""
    try:
        redis_client().delete(*keys.owned(slug))
    except redis.RedisError as error:
        log.warning("redis.away", wanted="forget", error=type(error).__name__)


class Workers:
    """Detects new worker processes from region statuses, and records them."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {}

    def hear(self, statuses: Mapping[str, RegionStatus | None]) -> None:
        """Read each region's status; unreadable ones are skipped."""
        for slug, status in statuses.items():
            boot = status.boot if status is not None else ""
            if not _BOOT.fullmatch(boot) or boot in self._known_of(slug):
                continue
            self._known[slug] = [*self._known_of(slug), boot][-_KNOWN_MOST:]
            Region.objects.filter(slug=slug).update(worker_boot=boot, worker_since=Now())

    def _known_of(self, slug: str) -> list[str]:
        if slug not in self._known:
            stored = Region.objects.filter(slug=slug).values_list("worker_boot", flat=True).first()
            self._known[slug] = [stored] if stored else []
        return self._known[slug]

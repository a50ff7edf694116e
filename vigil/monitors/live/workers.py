"""Workers of regions: their keys and what they start with, and when a new process of one is first seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import redis
import structlog
from django.db.models.functions import Now

from probes import keys
from probes.seal import generate_keypair
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


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a region's worker needs. The private key is here and nowhere else."""

    region: str
    egress: str
    private_key: str

    @property
    def environment(self) -> dict[str, str]:
        return {"VIGIL_REGION": self.region, "VIGIL_REGION_KEY": self.private_key, "VIGIL_EGRESS": self.egress}

    @property
    def redis_url(self) -> str:
        """The form of the address of the installation's Redis, for the worker's own user."""
        return f"rediss://{keys.user(self.region)}:PASSWORD@HOST:6379/0"


def enrol(region: Region) -> Enrolment:
    """Save a region with a new key, which replaces the last one; secrets that were sealed to that open no more."""
    private, region.public_key = generate_keypair()
    region.save()
    return Enrolment(region.slug, region.egress, private)


def revoke(region: Region) -> None:
    """Disable a region and forget its key: it is sent nothing more. Its Redis user is its operator's to remove."""
    region.enabled, region.public_key = False, None
    region.save(update_fields=["enabled", "public_key"])


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

"""Workers of regions: when a new process of one is first seen, and what a region that is gone leaves behind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

import redis
import structlog
from django.db.models.functions import Now
from django.utils import timezone

from probes import keys
from probes.process.redis_streams import redis_now_ms
from probes.reasons import Refusal
from probes.signing.region_keyring import published
from probes.wire import RegionStatus
from vigil.clock import database_now
from vigil.control_keys import control_macs
from vigil.monitors.live.results import redis_client
from vigil.monitors.models import Region

log = structlog.get_logger()

#: What tells a region that its own network is at fault, before it can see anything wrong in its targets.
ANCHORS_ADVICE = (
    "Name 3 to 10 addresses of 3 organisations that this region surely reaches: "
    "while most of them fail, it does not vote."
)

#: How long two keys of a region overlap when it is given a new one.
KEYS_OVERLAP = timedelta(days=1)
#: Form of a worker's boot id; anything else is ignored.
_BOOT = re.compile(r"[0-9a-f]{32}")
_KNOWN_MOST = 16


def set_keys(region: Region, public_key: bytes, signing_key: bytes) -> None:
    """Give a region these public keys, without saving it; the signing key before stays for a day."""
    if bytes(region.signing_key or b"") != signing_key:
        region.former_signing_key, region.signing_key_since = region.signing_key, timezone.now()
    region.public_key, region.signing_key = public_key, signing_key


def publish_signing_keys(client: redis.Redis) -> None:
    """Publish the regions' public keys for those who read what regions sign. Raises `redis.RedisError`."""
    client.set(keys.REGION_KEYS, published(control_macs(), signing_keys(), redis_now_ms(client)))


def publish_changed_keys() -> None:
    """Publish them now that they changed; while Redis is away, ingest does it later."""
    try:
        publish_signing_keys(redis_client())
    except redis.RedisError as error:
        log.warning("redis.away", wanted="region_keys", error=type(error).__name__)


def signing_keys() -> dict[str, list[bytes]]:
    """The public keys that each region signs with."""
    overlaps_since = database_now() - KEYS_OVERLAP
    found: dict[str, list[bytes]] = {}
    rows = Region.objects.exclude(signing_key=None)
    for slug, *signing, since in rows.values_list("slug", "signing_key", "former_signing_key", "signing_key_since"):
        both = signing if since is not None and since > overlaps_since else signing[:1]
        found[slug] = [bytes(key) for key in both if key]
    return found


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

    def hear(self, statuses: Mapping[str, RegionStatus | Refusal]) -> set[str]:
        """Read each region's status; returns those that are alive, also where what they signed cannot be read."""
        for slug, status in statuses.items():
            boot = status.boot if isinstance(status, RegionStatus) else ""
            if not _BOOT.fullmatch(boot) or boot in self._known_of(slug):
                continue
            self._known[slug] = [*self._known_of(slug), boot][-_KNOWN_MOST:]
            # Not of a region that was revoked since.
            Region.objects.filter(slug=slug, enabled=True).update(worker_boot=boot, worker_since=Now())
        return {
            slug
            for slug, status in statuses.items()
            if isinstance(status, RegionStatus) or status is Refusal.UNREADABLE
        }

    def _known_of(self, slug: str) -> list[str]:
        if slug not in self._known:
            stored = Region.objects.filter(slug=slug).values_list("worker_boot", flat=True).first()
            self._known[slug] = [stored] if stored else []
        return self._known[slug]

"""Enforcement of what a region may keep in Redis: one that fills it is cut for a while and emptied, and no other stops.

A region may write any value to its own keys, and Redis has no quota for a user. Writes of all others are refused from
the moment that the memory is full until the next turn here.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import Any, cast

import redis
import structlog

from probes import keys
from vigil.clock import database_now
from vigil.dispatch.core.region_bounds import STRANGE_MOST, RegionKeys, bound_bytes, is_over, keys_to_delete
from vigil.enrolment.models import RedisAccess
from vigil.enrolment.redis_access import Management, end_user, keep_user
from vigil.monitors.live.results import redis_client
from vigil.monitors.models import Region

log = structlog.get_logger()

#: How long a region is cut off, and how often its keys are looked at while the memory is less than half full.
CUT_S, CALM_S = 60.0, 15.0
_SCAN_COUNT, _SCANS_MOST = 1_000, 200


class RegionBounds:
    """Looks at the memory at each turn, and at the keys of regions where it may be theirs. For one thread."""

    def __init__(self) -> None:
        self._looked_s = float("-inf")
        #: Until when regions are cut off (s, monotonic).
        self._cut: dict[str, float] = {}

    def judge(self) -> None:
        """Cut and empty regions that keep too much, and let those in again whose time is over."""
        self._let_in()
        client = redis_client()
        told = client.info("memory")
        used, most = int(told["used_memory"]), int(told["maxmemory"])
        is_calm = most == 0 or used * 2 < most
        if is_calm and monotonic() - self._looked_s < CALM_S:
            return
        self._looked_s = monotonic()
        slugs = list(Region.objects.values_list("slug", flat=True))
        bound = bound_bytes(most, len(slugs))
        for slug, found in _measured(client, slugs).items():
            if is_over(found, bound):
                self._empty(client, slug, found, bound)

    def _empty(self, client: redis.Redis, slug: str, found: RegionKeys, bound: int) -> None:
        log.error(
            "region.over_its_bound", region=slug, bytes=found.bytes, bound=bound, strange_keys=len(found.strange),
            advice="if its worker is yours, give Redis more memory; else revoke the region",
        )  # fmt: skip
        # A user that is not ours to make again is not ended.
        if RedisAccess.objects.filter(region__slug=slug).exists() and end_user(slug) is Management.MANAGED:
            self._cut[slug] = monotonic() + CUT_S
        doomed = keys_to_delete(found, bound)
        for first in range(0, len(doomed), _SCAN_COUNT):
            client.unlink(*doomed[first : first + _SCAN_COUNT])

    def _let_in(self) -> None:
        for slug in [slug for slug, until_s in self._cut.items() if monotonic() >= until_s]:
            access = RedisAccess.objects.filter(region__slug=slug).select_related("region").first()
            if access is None or keep_user(access, database_now()) is not Management.AWAY:
                del self._cut[slug]


def _measured(client: redis.Redis, slugs: Iterable[str]) -> dict[str, RegionKeys]:
    """Keys of each region with their sizes, as far as they are found in so many steps."""
    found = {slug: RegionKeys() for slug in slugs}
    prefixes = {keys.celery_prefix(slug).encode(): slug for slug in found}
    owned = {key.encode(): slug for slug in found for key in keys.owned(slug)}
    for key in _scanned(client):
        slug = next((slug for prefix, slug in prefixes.items() if key.startswith(prefix)), None)
        # What is over the bound by their number need not all be measured.
        if slug is not None and key not in owned and len(found[slug].strange) <= _SCAN_COUNT * 10:
            found[slug].strange.add(key)
    named = [*owned.items(), *((key, slug) for slug, one in found.items() for key in _first(one.strange))]
    pipe = client.pipeline(transaction=False)
    for key, _ in named:
        pipe.memory_usage(key)
    for (key, slug), size in zip(named, cast(list[int | None], pipe.execute()), strict=True):
        found[slug].sizes[key] = size or 0
    return found


def _first(strange: set[bytes]) -> list[bytes]:
    return sorted(strange)[:STRANGE_MOST]


def _scanned(client: redis.Redis) -> Iterable[bytes]:
    cursor: Any = 0
    for _ in range(_SCANS_MOST):
        cursor, names = cast(tuple[Any, list[bytes]], client.scan(cursor, f"{keys.celery_prefix('*')}*", _SCAN_COUNT))
        yield from names
        if not int(cursor):
            return

"""Enforcement of what a region may keep in Redis: one that fills it is cut for a while and emptied, and no other stops.

Results that consensus has read and the recorder has not are trimmed first: that they are many is no fault of a region.
A region may write any value to its own keys, leave answers unread, and connect as often as it likes: Redis has no quota
for a user. Writes of all others are refused from the moment that the memory is full until the next turn here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any, cast

import redis
import structlog

from probes import keys
from probes.process.connections.split import regions_of
from probes.process.redis_streams import redis_now_ms
from probes.process.refusals import Refusals
from probes.reasons import Refusal
from vigil.clock import database_now
from vigil.dispatch.core.region_bounds import (
    CONNECTIONS_MOST,
    STRANGE_MOST,
    UNREAD_MS,
    OverBounds,
    RegionKeys,
    bound_bytes,
    is_large,
    keys_to_delete,
    memory_bytes,
    over_bounds,
)
from vigil.enrolment.models import RedisAccess
from vigil.enrolment.redis_access import Management, end_user, keep_user
from vigil.enrolment.region_connections import connections_of, end_connections
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
        self._spared_were_told = False
        #: `doctor` finds there which regions were over their bounds.
        self._refusals = Refusals()

    @property
    def cut(self) -> frozenset[str]:
        """The regions that are cut off now."""
        return frozenset(self._cut)

    def judge(self) -> None:
        """Cut and empty regions that keep too much, and let those in again whose time is over."""
        self._let_in()
        self._refusals.write(redis_client())
        client = regions_of(redis_client())
        told = client.info("memory")
        used, most = int(told.get("used_memory") or 0), memory_bytes(told)
        connected = int(client.info("clients").get("connected_clients") or 0)
        is_calm = (most == 0 or used * 2 < most) and connected <= CONNECTIONS_MOST
        if is_calm and monotonic() - self._looked_s < CALM_S:
            return
        self._looked_s = monotonic()
        regions = dict(Region.objects.values_list("slug", "enabled"))
        bound, found = bound_bytes(most, len(regions)), _measured(client, regions)
        for slug, held in connections_of(regions).items():
            found[slug].connections, found[slug].held = held.number, held.bytes
        _trim(client, {slug: one for slug, one in found.items() if is_large(one, bound)})
        over = over_bounds(found, bound, {slug for slug, enabled in regions.items() if enabled})
        for slug in over.cut:
            self._empty(client, slug, found[slug], bound)
        self._tell_spared(over, bound)
        for slug in over.cut + over.spared:
            self._refusals.add(slug, {Refusal.OVER_ITS_BOUND: 1})

    def _tell_spared(self, over: OverBounds, bound: int | None) -> None:
        if over.spared and not self._spared_were_told:
            log.error(
                "regions.over_their_bounds", regions=over.spared, bound=bound,
                advice="give Redis more memory; if one of these workers is not yours, revoke its region",
            )  # fmt: skip
        self._spared_were_told = bool(over.spared)

    def _empty(self, client: redis.Redis, slug: str, found: RegionKeys, bound: int | None) -> None:
        mend = "start it again" if found.connections > CONNECTIONS_MOST else "give Redis more memory"
        log.error(
            "region.over_its_bound", region=slug, bytes=found.bytes, bound=bound, strange_keys=len(found.strange),
            connections=found.connections,
            advice=f"if its worker is yours, {mend}; else revoke the region",
        )  # fmt: skip
        # A user that is not ours to make again is not ended. One that Redis failed at may be ended in part.
        if RedisAccess.objects.filter(region__slug=slug).exists():
            end_connections(slug)
            if end_user(slug) is not Management.BY_HAND:
                self._cut[slug] = monotonic() + CUT_S
        doomed = keys_to_delete(found, bound)
        for first in range(0, len(doomed), _SCAN_COUNT):
            client.unlink(*doomed[first : first + _SCAN_COUNT])

    def _let_in(self) -> None:
        for slug in [slug for slug, until_s in self._cut.items() if monotonic() >= until_s]:
            access = RedisAccess.objects.filter(region__slug=slug).select_related("region").first()
            if access is None or keep_user(access, database_now()) is Management.MANAGED:
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


def _trim(client: redis.Redis, large: Mapping[str, RegionKeys]) -> None:
    """Drop the results of these regions that consensus needs no more, and measure what is left."""
    if not large:
        return
    names, minid = [keys.results(slug) for slug in large], f"{redis_now_ms(client) - UNREAD_MS}-0"
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.xtrim(name, minid=minid, approximate=False)
        pipe.memory_usage(name)
    # What is no stream is not trimmed.
    answers = pipe.execute(raise_on_error=False)
    for name, found, size in zip(names, large.values(), answers[1::2], strict=True):
        if not isinstance(size, Exception):
            found.sizes[name.encode()] = size or 0


def _first(strange: set[bytes]) -> list[bytes]:
    return sorted(strange)[:STRANGE_MOST]


def _scanned(client: redis.Redis) -> Iterable[bytes]:
    cursor: Any = 0
    for _ in range(_SCANS_MOST):
        cursor, names = cast(tuple[Any, list[bytes]], client.scan(cursor, f"{keys.celery_prefix('*')}*", _SCAN_COUNT))
        yield from names
        if not int(cursor):
            return

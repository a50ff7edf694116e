"""Latest results and region statuses, read from Redis, bounded.

A Redis outage reads as "unavailable", never as an error page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
import redis
import structlog

from consensus.verdicts import decode_quarantine
from probes import keys, wire
from vigil.configuration import configuration

DEADLINE_S = 0.5
#: Monitors per HMGET.
CHUNK = 500
#: More than any page shows.
MAX_MONITORS = 5_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Latest:
    """Results by monitor and region; `available` is False when Redis did not answer."""

    available: bool
    results: Mapping[str, Mapping[str, wire.Result]] = field(default_factory=dict)

    def of(self, monitor: str) -> Mapping[str, wire.Result]:
        return self.results.get(monitor, {})


@dataclass(frozen=True, slots=True)
class RegionStatuses:
    """Statuses by region, without silent regions; `available` is False when Redis did not answer."""

    available: bool
    by_region: Mapping[str, wire.RegionStatus] = field(default_factory=dict)


@lru_cache(maxsize=1)
def redis_client() -> redis.Redis:
    """Client of the web process: every call has a deadline, none retries."""
    return redis.Redis.from_url(
        configuration().redis_url.get_secret_value(),
        socket_timeout=DEADLINE_S,
        socket_connect_timeout=DEADLINE_S,
        retry=None,
        health_check_interval=15,
    )


def latest_results(monitors: Sequence[str], regions: Sequence[str]) -> Latest:
    """Newest result of the monitors (public ids) in the regions (slugs)."""
    wanted = list(monitors)[:MAX_MONITORS]
    if not wanted or not regions:
        return Latest(True)
    found: dict[str, dict[str, wire.Result]] = {}
    try:
        pipeline = redis_client().pipeline(transaction=False)
        asked = [(region, chunk) for region in regions for chunk in _chunks(wanted)]
        for region, chunk in asked:
            pipeline.hmget(keys.latest(region), chunk)
        answers = pipeline.execute()
    except redis.RedisError as problem:
        _log.warning("redis.away", wanted="latest", error=type(problem).__name__)
        return Latest(False)
    for (region, chunk), payloads in zip(asked, answers, strict=True):
        for monitor, payload in zip(chunk, payloads, strict=True):
            result = _decoded(payload, region)
            if result is not None and result.monitor == monitor:
                found.setdefault(monitor, {})[region] = result
    return Latest(True, found)


def region_statuses(regions: Sequence[str]) -> RegionStatuses:
    """Last status of each region within the last 45 s."""
    if not regions:
        return RegionStatuses(True)
    try:
        payloads: list[bytes | None] = redis_client().mget([keys.status(region) for region in regions])  # type: ignore[assignment]
    except redis.RedisError as problem:
        _log.warning("redis.away", wanted="status", error=type(problem).__name__)
        return RegionStatuses(False)
    found = {}
    for region, payload in zip(regions, payloads, strict=True):
        if payload is None:
            continue
        try:
            found[region] = wire.decode_status(payload)
        except msgspec.MsgspecError:
            _log.warning("status.unreadable", region=region)
    return RegionStatuses(True, found)


def region_shares() -> Mapping[str, float]:
    """Shares below 1 of scheduled checks, by region; empty when Redis is unavailable."""
    try:
        shares: dict[bytes, bytes] = redis_client().hgetall(keys.SHARES)  # type: ignore[assignment]
    except redis.RedisError as problem:
        _log.warning("redis.away", wanted="shares", error=type(problem).__name__)
        return {}
    return {region.decode(): float(share) for region, share in shares.items()}


def region_quarantines() -> Mapping[str, str]:
    """Reason of each region's quarantine, in words; empty when Redis is unavailable."""
    try:
        held: dict[bytes, bytes] = redis_client().hgetall(keys.QUARANTINED)  # type: ignore[assignment]
        held.pop(keys.QUARANTINED_MARK, None)
        found = [decode_quarantine(payload) for payload in held.values()]
    except (redis.RedisError, msgspec.MsgspecError) as problem:
        _log.warning("quarantine.unavailable", error=type(problem).__name__)
        return {}
    return {one.region: one.text for one in found}


def instant(ms: int) -> datetime:
    """A time that a region wrote, clamped to valid dates."""
    return datetime.fromtimestamp(min(max(ms, 0), 32_503_680_000_000) / 1000, UTC)


def _decoded(payload: bytes | None, region: str) -> wire.Result | None:
    if payload is None:
        return None
    try:
        return wire.decode_result(payload)
    except msgspec.MsgspecError:
        # The region writes this key, so it may be unreadable.
        _log.warning("latest.unreadable", region=region)
        return None


def _chunks(monitors: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(monitors), CHUNK):
        yield monitors[start : start + CHUNK]

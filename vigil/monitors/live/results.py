"""Latest results and region statuses from Redis, bounded; an outage reads as "unavailable"."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import cast

import redis
import structlog

from consensus.quarantine_list import read_quarantines
from probes import keys, wire
from probes.admission import admit_latest
from probes.message_decoder import LAST_MS
from probes.process.connections.clients import open_both
from probes.process.published_keys import PublishedRegionKeys
from probes.process.redis_client import ReplyTooLarge, bounded
from probes.process.redis_streams import REPLY_BYTES_MOST, redis_now_ms
from probes.process.region_statuses import read_statuses
from probes.reasons import Refusal
from vigil.configuration import configuration
from vigil.control_keys import control_macs, published_keys

DEADLINE_S = 0.5
CHUNK = 500
MAX_MONITORS = 5_000
#: How often Redis closes the connection over one region's answer, and answers, until that one counts as too large.
_CLOSED_MOST = 2

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
    settings = configuration()
    return open_both(
        settings.redis_url.get_secret_value(),
        settings.control_url,
        socket_timeout=DEADLINE_S,
        socket_connect_timeout=DEADLINE_S,
        retry=None,
        health_check_interval=15,
    )


@lru_cache(maxsize=1)
def region_client() -> redis.Redis:
    """The same for keys that regions write: it reads so many bytes of an answer at most."""
    return bounded(redis_client(), REPLY_BYTES_MOST)


@lru_cache(maxsize=1)
def region_keys() -> PublishedRegionKeys:
    """The regions' public keys, for what is shown."""
    return published_keys(redis_client())


def latest_results(monitors: Sequence[str], regions: Sequence[str]) -> Latest:
    """Newest result of the monitors (public ids) in the regions (slugs)."""
    wanted = list(monitors)[:MAX_MONITORS]
    if not wanted or not regions:
        return Latest(True)
    found: dict[str, dict[str, wire.Result]] = {}
    try:
        asked = [(region, chunk) for region in regions for chunk in _chunks(wanted)]
        answers = _latest(asked)
    except redis.RedisError as problem:
        _log.warning("redis.away", wanted="latest", error=type(problem).__name__)
        return Latest(False)
    for (region, chunk), payloads in zip(asked, answers, strict=True):
        for monitor, payload in zip(chunk, payloads, strict=True):
            result = _decoded(payload, region)
            if result is not None and result.monitor == monitor:
                found.setdefault(monitor, {})[region] = result
    return Latest(True, found)


def counted_results(monitors: Sequence[str], regions: Sequence[str]) -> Latest:
    """The same of regions that count: what one in quarantine sees says nothing of a monitor.

    Unavailable as well while it is not known which are: what is decided by it waits.
    """
    held = quarantined_regions()
    if held is None:
        return Latest(False)
    return latest_results(monitors, [region for region in regions if region not in held])


def quarantined_regions() -> frozenset[str] | None:
    """Regions in quarantine (slugs); None while that is not known. A Redis that has lost all has no results either."""
    try:
        held: dict[bytes, bytes] = redis_client().hgetall(keys.QUARANTINED)  # type: ignore[assignment]
        now_ms = redis_now_ms(redis_client()) if held else 0
    except redis.RedisError as problem:
        _log.warning("redis.away", wanted="quarantined", error=type(problem).__name__)
        return None
    if not held:
        return frozenset()
    found = read_quarantines(control_macs(), held, now_ms)
    return None if found is None else frozenset(one.region for one in found)


def _latest(asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[bytes | None]]:
    """The raw results of these monitors in these regions; of a region whose answer is too large to be read, none."""
    for _ in range(_CLOSED_MOST if len(asked) == 1 else 1):
        pipeline = region_client().pipeline(transaction=False)
        for region, chunk in asked:
            pipeline.hmget(keys.latest(region), list(chunk))
        try:
            return cast(list[list[bytes | None]], pipeline.execute())
        except ReplyTooLarge:
            break
        except redis.ConnectionError:
            # Redis also closes a client whose answer is too large; this raises where it is away.
            region_client().ping()
    if len(asked) > 1:
        return [answer for one in asked for answer in _latest([one])]
    [(region, chunk)] = asked
    _log.error(
        "redis.key_overwritten",
        key=keys.latest(region),
        advice="the region's Redis user wrote it",
    )
    return [[None] * len(chunk)]


def region_statuses(regions: Sequence[str]) -> RegionStatuses:
    """Last status of each region within the last 45 s."""
    if not regions:
        return RegionStatuses(True)
    try:
        found = read_statuses(redis_client(), regions, region_keys())
    except redis.RedisError as problem:
        _log.warning("redis.away", wanted="status", error=type(problem).__name__)
        return RegionStatuses(False)
    return RegionStatuses(True, {region: status for region, status in found.items() if status is not None})


def region_shares() -> Mapping[str, float]:
    """Shares below 1 of scheduled checks, by region; empty when Redis is unavailable."""
    try:
        shares: dict[bytes, bytes] = redis_client().hgetall(keys.SHARES)  # type: ignore[assignment]
    except redis.RedisError as problem:
        _log.warning("redis.away", wanted="shares", error=type(problem).__name__)
        return {}
    return dict(_readable_shares(shares))


def region_quarantines() -> Mapping[str, str]:
    """Reason of each region's quarantine, in words; empty when Redis is unavailable."""
    try:
        held: dict[bytes, bytes] = redis_client().hgetall(keys.QUARANTINED)  # type: ignore[assignment]
        now_ms = redis_now_ms(redis_client()) if held else 0
    except redis.RedisError as problem:
        _log.warning("redis.away", wanted="quarantined", error=type(problem).__name__)
        return {}
    return {one.region: one.text for one in read_quarantines(control_macs(), held, now_ms) or []}


def instant(ms: int) -> datetime:
    """A time that a region wrote, clamped to valid dates."""
    return datetime.fromtimestamp(min(max(ms, 0), LAST_MS) / 1000, UTC)


def _readable_shares(shares: Mapping[bytes, bytes]) -> Iterator[tuple[str, float]]:
    now_ms = time.time_ns() // 1_000_000
    for region, share in shares.items():
        try:
            name = region.decode()
            body = control_macs().body(f"{keys.SHARES}/{name}", share, now_ms)
            if not isinstance(body, Refusal):
                yield name, min(1.0, max(0.0, float(body)))
        except ValueError:
            _log.warning("shares.unreadable", region=region[:100])


def _decoded(payload: bytes | None, region: str) -> wire.Result | None:
    if payload is None:
        return None
    result = admit_latest(payload)
    if result is None:
        _log.warning("latest.unreadable", region=region)
    return result


def _chunks(monitors: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(monitors), CHUNK):
        yield monitors[start : start + CHUNK]

"""Store of what scrapes have seen, in Redis: a key for each monitor, which ends where nobody scrapes it any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from probes import keys
from vigil.metrics.core.scraped_checks import Scraped, decode_scraped, encode_scraped
from vigil.monitors.live import results as live

#: Longer than any interval at which monitors are scraped (s).
KEPT_S = 2 * 86_400
_AT_ONCE = 500


def read_scraped(monitors: Sequence[str]) -> dict[str, Scraped]:
    """What scrapes have seen of the monitors (public ids). Raises `redis.RedisError`."""
    found: dict[str, Scraped] = {}
    for start in range(0, len(monitors), _AT_ONCE):
        part = monitors[start : start + _AT_ONCE]
        bodies = cast(list[bytes | None], live.redis_client().mget([keys.scraped(monitor) for monitor in part]))
        found |= {monitor: decode_scraped(body) for monitor, body in zip(part, bodies, strict=True)}
    return found


def write_scraped(changed: Mapping[str, Scraped]) -> None:
    """Keep what changed. Two scrapes at once have seen the same results, so neither undoes the other."""
    pipeline = live.redis_client().pipeline(transaction=False)
    for monitor, scraped in changed.items():
        pipeline.set(keys.scraped(monitor), encode_scraped(scraped), ex=KEPT_S)
    if changed:
        pipeline.execute()

"""Reader of the regions' signs of life: bounded in size, and admitted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import redis
import structlog

from probes import keys
from probes.admission import admit_status
from probes.wire import STATUS_BYTES_MOST, RegionStatus

log = structlog.get_logger(__name__)


def read_statuses(client: redis.Redis, regions: Collection[str], now_ms: int) -> dict[str, RegionStatus | None]:
    """The last status of each region that is alive; None where it cannot be read. Raises `redis.RedisError`."""
    names = sorted(regions)
    pipe = client.pipeline(transaction=False)
    for name in names:
        # A region may write half a gigabyte there.
        pipe.getrange(keys.status(name), 0, STATUS_BYTES_MOST)
    answers: list[Any] = pipe.execute(raise_on_error=False) if names else []
    found: dict[str, RegionStatus | None] = {}
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, Exception):
            if "WRONGTYPE" not in str(answer):
                raise answer
        elif answer:
            found[name] = _admitted(name, answer, now_ms)
    return found


def _admitted(region: str, payload: bytes, now_ms: int) -> RegionStatus | None:
    try:
        return admit_status(payload, now_ms)
    except msgspec.DecodeError as error:
        log.warning("status.unreadable", region=region, error=str(error))
        return None

"""Reader of the regions' signs of life: signed, bounded in size, and admitted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import redis
import structlog

from probes import keys
from probes.admission import admit_status
from probes.process.published_keys import PublishedRegionKeys
from probes.reasons import Refusal
from probes.signing.envelope import ENVELOPE_BYTES_MOST, split_value
from probes.wire import STATUS_BYTES_MOST, RegionStatus

log = structlog.get_logger(__name__)


def read_statuses(
    client: redis.Redis, regions: Collection[str], published: PublishedRegionKeys
) -> dict[str, RegionStatus | None]:
    """The last status of each region that is alive; None where it cannot be read. Raises `redis.RedisError`."""
    found = read_signed_statuses(client, regions, published)
    return {name: None if isinstance(status, Refusal) else status for name, status in found.items()}


def read_signed_statuses(
    client: redis.Redis, regions: Collection[str], published: PublishedRegionKeys
) -> dict[str, RegionStatus | Refusal]:
    """The same with the cause where a status is not taken."""
    names = sorted(regions)
    pipe = client.pipeline(transaction=False)
    pipe.time()
    for name in names:
        # A region may write half a gigabyte there.
        pipe.getrange(keys.status(name), 0, STATUS_BYTES_MOST + ENVELOPE_BYTES_MOST)
    answers: list[Any] = pipe.execute(raise_on_error=False) if names else [(0, 0)]
    keyring, found = published.keyring(), {}
    if isinstance(answers[0], Exception):
        raise answers[0]
    now_ms = answers[0][0] * 1000 + answers[0][1] // 1000
    for name, answer in zip(names, answers[1:], strict=True):
        if isinstance(answer, Exception):
            if "WRONGTYPE" not in str(answer):
                raise answer
        elif answer:
            envelope, body = split_value(answer)
            refusal = keyring.refusal(name, keys.status(name), (body, envelope), now_ms)
            found[name] = refusal or _admitted(name, body, now_ms)
    return found


def _admitted(region: str, payload: bytes, now_ms: int) -> RegionStatus | Refusal:
    try:
        return admit_status(payload, now_ms)
    except msgspec.DecodeError as error:
        log.warning("status.unreadable", region=region, error=str(error))
        return Refusal.UNREADABLE

"""Handover of baselines: taken of the last day; an older one that someone kept and wrote again is not."""

from __future__ import annotations

import pytest
import redis

from consensus.baselines import ENOUGH, Baselines
from consensus.process.handover import ROTATION_S, Handover
from probes import keys
from tests.signed import macs

WRITTEN_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
REGION = "eu-west"


def written(client: redis.Redis) -> None:
    """What consensus knew of one monitor, in Redis."""
    known = Baselines()
    for number in range(ENOUGH):
        known.learn(REGION, "mon_example", 1, 80_000, WRITTEN_MS + number)
    handover = Handover(client, macs(), lambda: WRITTEN_MS)
    # The first turn begins a rotation, the second writes.
    for _ in range(2):
        handover.write_some(known, ROTATION_S)
    assert client.hlen(keys.BASELINES) == 1


@pytest.mark.parametrize(("later_ms", "series"), [(0, 1), (23 * HOUR_MS, 1), (25 * HOUR_MS, 0)])
def test_baselines_older_than_a_day_are_not_taken(redis_url: str, later_ms: int, series: int) -> None:
    now_ms = WRITTEN_MS + later_ms
    with redis.Redis.from_url(redis_url) as client:
        written(client)
        assert Handover(client, macs(), lambda: now_ms).restore(Baselines(), now_ms) == series

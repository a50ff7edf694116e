"""Steps of this machine's clock: what was measured of another clock stays as it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
import redis

from probes.process.redis_streams import RedisClock, redis_now_ms
from vigil.clock import FollowedClock
from vigil.heartbeats.receiving.database_clock import DatabaseClock

HOUR_NS = 3_600_000_000_000
NEAR_MS = 60_000


@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS], ids=["ahead", "back"])
def test_a_step_moves_neither_the_clock_of_redis_nor_that_of_the_database(
    step_ns: int, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_ns = time.time_ns
    with redis.Redis.from_url(redis_url) as client:
        clock, pings = RedisClock(client), DatabaseClock("postgresql://nobody@127.0.0.1:1/none")
        clock.measure()
        monkeypatch.setattr(time, "time_ns", lambda: true_ns() + step_ns)
        assert abs(clock.now_ms() - redis_now_ms(client)) < NEAR_MS
        assert abs(clock.control_ms() - redis_now_ms(client)) < NEAR_MS
        assert abs(pings.now_us() - true_ns() // 1000) < NEAR_MS * 1000, "not synchronised, and not moved"
        followed = FollowedClock()
        monkeypatch.setattr("vigil.clock.database_wall_now", lambda: datetime.fromtimestamp(true_ns() / 1e9, UTC))
        followed.follow()
        assert abs(followed.now_s() - true_ns() / 1e9) < NEAR_MS / 1000
        later = RedisClock(client)
        assert abs(later.now_ms() - (true_ns() + step_ns) // 1_000_000) < NEAR_MS, "nothing better is known yet"
        later.measure()
        assert abs(later.now_ms() - redis_now_ms(client)) < NEAR_MS

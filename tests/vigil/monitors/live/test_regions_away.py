"""The regions' Redis away by itself: verdicts and whatever else does not need it go on."""

from __future__ import annotations

import pytest
import redis
from structlog.testing import capture_logs

from probes import keys
from probes.process.connections.clients import open_both, open_client
from probes.process.connections.split import SplitRedis
from probes.process.health import Health
from vigil.monitors.live.regions_away import RegionsAway


def test_the_regions_server_away_by_itself_holds_up_only_what_needs_it(redis_url: str) -> None:
    health, now_s = Health("test", 15), [0.0]
    control = open_client(redis_url)
    dead = open_both("redis://127.0.0.1:1/0", "redis://127.0.0.1:2/0", retry=None, socket_timeout=1)
    assert isinstance(dead, SplitRedis)
    half = SplitRedis(control, dead.regions)
    away = RegionsAway(half, health, lambda: now_s[0])
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        half.get(keys.status("eu"))

    with capture_logs() as logs:
        away.attempt("statuses", ask)
        away.attempt("statuses", ask)
    assert [one["server"] for one in logs] == ["regions"] and len(asked) == 1, "it rests after a failure"
    assert health.report()[1]["facts"] == {"regions_redis": "Redis cannot be reached"}
    now_s[0] = 10.0
    away.attempt("readers", lambda: half.hgetall(keys.READERS))
    assert health.report()[1]["facts"] == {"regions_redis": None}
    with pytest.raises(redis.ConnectionError):
        RegionsAway(dead, health).attempt("statuses", lambda: dead.get(keys.status("eu")))
    with pytest.raises(redis.ConnectionError):
        RegionsAway(dead.regions, health).attempt("statuses", lambda: dead.regions.get(keys.status("eu")))

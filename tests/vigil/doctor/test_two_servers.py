"""`doctor` with two servers of Redis: each is examined by its own name, and each release is looked at."""

from __future__ import annotations

import pytest
import redis

from probes.process.connections.clients import open_both
from probes.process.connections.split import SplitRedis
from vigil.doctor import servers
from vigil.doctor.findings import ExaminationContext, Level
from vigil.monitors.live import servers as live_servers


def test_a_server_that_is_away_is_named_and_the_other_is_examined(redis_url: str) -> None:
    away = open_both("redis://127.0.0.1:1/0", "", retry=None)
    with redis.Redis.from_url(redis_url) as client:
        found = servers.memory_policy(ExaminationContext(SplitRedis(control=client, regions=away), None))
        lost, well = next(found), next(found)
        clocks = servers.memory_policy(ExaminationContext(SplitRedis(client, client), None))
        assert [one.level for one in clocks] == [Level.WELL, Level.WELL], "their clocks agree"
    assert (lost.level, lost.text) == (
        Level.PROBLEM,
        "The regions' Redis does not answer (ConnectionError).",
    )
    assert "VIGIL_REDIS_URL" in lost.advice and well.text.startswith("The control plane's Redis ")


def test_the_release_of_each_server_elsewhere_is_looked_at(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    around = ExaminationContext(redis.Redis.from_url(redis_url), None)
    assert list(servers.redis_release(around)) == [], "this machine's own is reached by this machine only"
    monkeypatch.setattr(live_servers, "is_this_machine", lambda host: False)
    [told] = live_servers.servers_elsewhere().values()
    told["redis_version"] = "6.2.14"  # type: ignore[index]
    monkeypatch.setattr(servers, "servers_elsewhere", lambda: {"one": told, "two": told})
    [warned] = servers.redis_release(around)
    assert warned.text.startswith("Redis 6.2.14 has known holes")

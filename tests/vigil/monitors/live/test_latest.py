"""The latest results are read from Redis, and Redis away is an answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from probes import keys, wire
from probes.reasons import Reason, Status
from tests.signed import say_alive
from vigil.configuration import configuration
from vigil.monitors.live.results import latest_results, redis_client, region_client, region_statuses


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    forget()
    with redis.Redis.from_url(redis_url) as client:
        yield client
    forget()


def forget() -> None:
    configuration.cache_clear()
    redis_client.cache_clear()
    region_client.cache_clear()


def result(monitor: str, status: Status = Status.UP) -> bytes:
    return wire.encode(wire.Result(1, monitor, 5, status, Reason.OK, 7, wire.Phases(total_us=9)))


def test_results_come_by_monitor_and_region(store: redis.Redis) -> None:
    store.hset(keys.latest("eu"), "mon_a", result("mon_a"))
    store.hset(keys.latest("us"), "mon_a", result("mon_a", Status.DOWN))
    found = latest_results(["mon_a", "mon_b"], ["eu", "us", "ap"])
    assert found.available
    assert {region: seen.status for region, seen in found.of("mon_a").items()} == {"eu": "up", "us": "down"}
    assert found.of("mon_b") == {}


def test_more_monitors_than_one_question_holds_are_all_found(store: redis.Redis) -> None:
    names = [f"mon_{number}" for number in range(1200)]
    store.hset(keys.latest("eu"), mapping={name: result(name) for name in names})
    assert len(latest_results(names, ["eu"]).results) == 1200


def test_what_a_region_wrote_wrongly_is_left_out(store: redis.Redis) -> None:
    store.hset(keys.latest("eu"), mapping={"mon_a": b"\xff garbage", "mon_b": result("mon_other")})
    found = latest_results(["mon_a", "mon_b"], ["eu"])
    assert found.available and not found.results


def test_statuses_come_by_region(store: redis.Redis) -> None:
    status = wire.RegionStatus(1, 5, 0, 0, 0, 0, "b", "r")
    say_alive(store, "eu", status)
    store.set(keys.status("us"), b"garbage")
    assert dict(region_statuses(["eu", "us", "ap"]).by_region) == {"eu": status}


def test_redis_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_REDIS_URL", "redis://127.0.0.1:1/0")
    forget()
    assert not latest_results(["mon_a"], ["eu"]).available
    assert not region_statuses(["eu"]).available
    forget()

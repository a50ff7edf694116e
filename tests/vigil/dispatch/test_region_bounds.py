"""One region that fills Redis is cut for a while and emptied; all others go on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from probes import keys
from probes.wire import Lane
from tests.vigil.enrolment.enrolling import REFUSED_LOGIN, ask, code_of, worker
from vigil.configuration import configuration
from vigil.dispatch import region_bounds
from vigil.dispatch.core.region_bounds import STRANGE_MOST, RegionKeys, bound_bytes, is_over, keys_to_delete
from vigil.dispatch.region_bounds import RegionBounds
from vigil.dispatch.region_keeper import RegionKeeper
from vigil.enrolment.codes import issue
from vigil.enrolment.ending import revoke
from vigil.local.servers import redis as local_redis
from vigil.monitors.live.results import redis_client
from vigil.monitors.models import Region

MIB = 1024 * 1024
Doors = tuple[dict[str, Any], dict[str, Any], redis.Redis]


@pytest.fixture
def doors(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doors]:
    """What two regions got when they enrolled, and the operator of a small Redis that both use."""
    with local_redis.running(tmp_path, "not-a-secret", tmp_path / "redis.log") as server:
        monkeypatch.setenv("VIGIL_REDIS_URL", server.url)
        monkeypatch.delenv("VIGIL_USERS_REDIS_URL", raising=False)
        configuration.cache_clear()
        redis_client.cache_clear()
        answers = [ask(code_of(issue(Region(slug=slug, domain=slug))))[1] for slug in ("stolen", "honest")]
        with redis.Redis.from_url(server.url) as operator:
            operator.config_set("maxmemory", "32mb")
            operator.set(keys.VERDICTS, "of the control plane")
            yield answers[0], answers[1], operator
    monkeypatch.undo()
    configuration.cache_clear()
    redis_client.cache_clear()


def test_s18_a_region_that_fills_the_memory_is_cut_and_emptied_and_the_others_write_on(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    stolen, honest, operator = doors
    with worker(stolen) as thief, worker(honest) as other:
        other.xadd(keys.results("honest"), {"b": "results"})
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            for number in range(1_000):
                thief.xadd(keys.results("stolen"), {"b": bytes(MIB // 2)})
                thief.set(keys.status("stolen"), bytes(number))
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            other.xadd(keys.results("honest"), {"b": "results"})
        keeper = RegionKeeper()
        keeper.turn()
        assert other.xadd(keys.results("honest"), {"b": "results"})
        assert operator.xlen(keys.results("honest")) == 2
        assert operator.get(keys.VERDICTS) == b"of the control plane"
        assert not operator.exists(keys.results("stolen"))
        with pytest.raises(REFUSED_LOGIN):
            thief.ping()
        with worker(stolen) as again, pytest.raises(REFUSED_LOGIN):
            again.ping()
    until_s = time.monotonic() + region_bounds.CUT_S + 1
    monkeypatch.setattr(region_bounds, "monotonic", lambda: until_s)
    keeper._duties.make_due("bounds")
    keeper.turn()
    with worker(stolen) as back:
        assert back.ping(), "a region that was cut is let in again"


def test_s18_a_region_that_makes_up_keys_is_cut_and_they_are_deleted(doors: Doors) -> None:
    stolen, _, operator = doors
    prefix = keys.celery_prefix("stolen")
    with worker(stolen) as thief:
        for number in range(STRANGE_MOST + 1):
            thief.set(f"{prefix}made-up-{number}", "x")
        thief.lpush(f"{prefix}{keys.queue('stolen', Lane.CONFIRM)}", "an order")
        RegionBounds().judge()
        with pytest.raises(REFUSED_LOGIN):
            thief.ping()
    assert [key.decode() for key in operator.scan_iter(f"{prefix}*")] == [
        f"{prefix}{keys.queue('stolen', Lane.CONFIRM)}"
    ]


def test_s18_a_region_revoked_while_it_was_cut_stays_out(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    stolen, _, _ = doors
    bounds = RegionBounds()
    with worker(stolen) as thief, contextlib.suppress(redis.exceptions.OutOfMemoryError):
        for _ in range(1_000):
            thief.xadd(keys.results("stolen"), {"b": bytes(MIB)})
    bounds.judge()
    revoke(Region.objects.get(slug="stolen"))
    until_s = time.monotonic() + region_bounds.CUT_S + 1
    monkeypatch.setattr(region_bounds, "monotonic", lambda: until_s)
    bounds.judge()
    with worker(stolen) as back, pytest.raises(REFUSED_LOGIN):
        back.ping()


def test_a_calm_redis_is_looked_at_seldom_and_what_is_within_the_bound_stays(doors: Doors) -> None:
    stolen, _, operator = doors
    bounds = RegionBounds()
    with worker(stolen) as thief:
        thief.xadd(keys.results("stolen"), {"b": bytes(MIB)})
        bounds.judge()
        before = operator.info("commandstats").get("cmdstat_scan", {"calls": 0})["calls"]
        bounds.judge()
        assert operator.info("commandstats")["cmdstat_scan"]["calls"] == before == 1
        assert thief.ping() and operator.xlen(keys.results("stolen")) == 1


def test_the_bound_is_a_part_of_the_memory_and_the_largest_keys_go_first() -> None:
    assert bound_bytes(1024 * MIB, 3) == 256 * MIB and bound_bytes(1024 * MIB, 50) == 64 * MIB
    assert bound_bytes(0, 3) == 1024 * MIB and bound_bytes(1024 * MIB, 0) == 768 * MIB
    found = RegionKeys({b"large": 80, b"middle": 30, b"small": 5, b"odd": 1}, {b"odd"})
    assert is_over(found, 100) and not is_over(found, 116)
    assert keys_to_delete(found, 100) == [b"odd", b"large"]

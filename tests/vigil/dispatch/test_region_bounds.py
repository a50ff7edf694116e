"""One region that fills Redis is cut for a while and emptied; all others go on."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from structlog.testing import capture_logs

from probes import keys
from probes.process.redis_streams import redis_now_ms
from probes.wire import Lane
from tests.streams import entries
from tests.vigil.enrolment.enrolling import REFUSED_LOGIN, ask, code_of, worker
from tests.waiting import until
from vigil.configuration import configuration
from vigil.dispatch import region_bounds
from vigil.dispatch.core.region_bounds import CONNECTIONS_MOST, STRANGE_MOST, UNREAD_MS
from vigil.dispatch.region_bounds import RegionBounds
from vigil.dispatch.region_keeper import RegionKeeper
from vigil.doctor.findings import ExaminationContext
from vigil.doctor.regions import refused
from vigil.enrolment import region_connections
from vigil.enrolment.codes import issue
from vigil.enrolment.core import redis_users
from vigil.enrolment.ending import revoke
from vigil.enrolment.redis_access import Management
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


def test_s18_a_region_that_leaves_answers_unread_is_cut_and_what_they_held_is_free(doors: Doors) -> None:
    stolen, honest, operator = doors
    operator.config_set("client-output-buffer-limit", "normal 0 0 0")
    with worker(stolen) as thief, worker(honest) as other:
        thief.set(keys.status("stolen"), bytes(MIB))
        unread = [unread_answers(stolen, keys.status("stolen"), 20) for _ in range(3)]
        until(lambda: int(operator.info("memory")["used_memory"]) > 28 * MIB, "answers that nobody reads", 10)
        bounds = RegionBounds()
        assert over(bounds) == [("region.over_its_bound", "stolen")]
        until(lambda: int(operator.info("memory")["used_memory"]) < 8 * MIB, "what they held to be free", 10)
        assert other.ping() and thief_is_out(stolen)
        assert operator.get(keys.status("stolen")) == bytes(MIB), "its keys were no fault"
        for one in unread:
            one.close()


def test_s18_a_region_that_takes_all_connections_is_cut_by_one_that_was_kept(doors: Doors) -> None:
    stolen, honest, operator = doors
    operator.config_set("maxclients", str(CONNECTIONS_MOST + 20))
    bounds = RegionBounds()
    bounds.judge()
    with contextlib.ExitStack() as taken:
        with pytest.raises((redis.ConnectionError, OSError)):
            for _ in range(CONNECTIONS_MOST + 20):
                taken.callback(unread_answers(stolen, keys.status("stolen"), 0).close)
        with pytest.raises((redis.ConnectionError, OSError)):
            unread_answers(honest, keys.status("honest"), 0)
        with capture_logs() as logs:
            bounds.judge()
        [told] = [one for one in logs if one["event"] == "region.over_its_bound"]
        assert told["region"] == "stolen" and "start it again" in told["advice"]
        with worker(honest) as other:
            assert other.ping()
        assert thief_is_out(stolen)


def test_where_redis_does_not_let_connections_be_seen_the_bounds_of_keys_hold(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    stolen, _, operator = doors
    older = redis_users.users_rules("p").replace(" +client|list", "")
    operator.execute_command("ACL", "SETUSER", "users", *older.split())
    port = operator.connection_pool.connection_kwargs["port"]
    monkeypatch.setenv("VIGIL_USERS_REDIS_URL", f"redis://users:p@127.0.0.1:{port}/0")
    configuration.cache_clear()
    with worker(stolen) as thief:
        for _ in range(13):
            thief.xadd(keys.results("stolen"), {"b": bytes(MIB)})
    region_connections._tell_unseen.cache_clear()
    with capture_logs() as logs:
        RegionBounds().judge()
    told = [(entry["event"], entry.get("region", entry["advice"])) for entry in logs if "advice" in entry]
    assert told == [
        ("redis.connections_unseen", "give the user of VIGIL_USERS_REDIS_URL +client|list"),
        ("region.over_its_bound", "stolen"),
    ]
    assert thief_is_out(stolen)


def unread_answers(answer: dict[str, Any], key: str, number: int) -> socket.socket:
    """A connection of a region's user that asks for a key so often, and reads no answer."""
    parts = urlsplit(answer["redis_url"])
    made = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)
    made.sendall(f"HELLO 2 AUTH {parts.username} {parts.password}\r\n".encode())
    if not made.recv(4096).startswith(b"*"):
        made.close()
        raise redis.ConnectionError("no login")
    made.sendall(f"GET {key}\r\n".encode() * number)
    return made


def thief_is_out(answer: dict[str, Any]) -> bool:
    with worker(answer) as again, pytest.raises(REFUSED_LOGIN):
        again.ping()
    return True


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


def test_results_that_only_the_recorder_wants_are_dropped_and_their_region_is_not_cut(doors: Doors) -> None:
    _, honest, operator = doors
    old_ms = redis_now_ms(operator) - UNREAD_MS - 60_000
    with worker(honest) as other:
        for number in range(14):
            other.xadd(keys.results("honest"), {"b": bytes(MIB)}, id=f"{old_ms + number}-0")
        other.xadd(keys.results("honest"), {"b": "unread"})
        assert over(RegionBounds()) == []
        assert other.ping()
    assert [fields for _, fields in entries(operator, keys.results("honest"))] == [{b"b": b"unread"}]


def test_where_most_regions_are_over_their_bounds_none_is_cut_and_it_is_said_once(doors: Doors) -> None:
    stolen, honest, operator = doors
    bounds = RegionBounds()
    with worker(stolen) as one, worker(honest) as other:
        for _ in range(13):
            one.xadd(keys.results("stolen"), {"b": bytes(MIB)})
            other.xadd(keys.results("honest"), {"b": bytes(MIB)})
        assert over(bounds) == [("regions.over_their_bounds", ("honest", "stolen"))]
        assert over(bounds) == []
        assert one.ping() and other.ping()
    assert operator.xlen(keys.results("stolen")) == operator.xlen(keys.results("honest")) == 13


def test_a_redis_that_does_not_tell_its_memory_cuts_no_region_for_its_bytes(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    stolen, _, _ = doors
    monkeypatch.setattr(redis_client(), "info", lambda section: {})
    with worker(stolen) as one:
        for _ in range(14):
            one.xadd(keys.results("stolen"), {"b": bytes(MIB)})
        assert over(RegionBounds()) == []
        assert one.ping()


def test_a_region_that_was_cut_is_let_in_once_redis_takes_its_user_again(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    stolen, _, _ = doors
    bounds = RegionBounds()
    with worker(stolen) as thief:
        for _ in range(13):
            thief.xadd(keys.results("stolen"), {"b": bytes(MIB)})
    assert over(bounds) == [("region.over_its_bound", "stolen")]
    until_s = time.monotonic() + region_bounds.CUT_S + 1
    monkeypatch.setattr(region_bounds, "monotonic", lambda: until_s)
    with monkeypatch.context() as by_hand:
        by_hand.setattr(region_bounds, "keep_user", lambda access, now: Management.BY_HAND)
        bounds.judge()
    bounds.judge()
    with worker(stolen) as back:
        assert back.ping()


def test_doctor_names_a_region_that_was_over_its_bound(doors: Doors) -> None:
    stolen, _, operator = doors
    bounds = RegionBounds()
    with worker(stolen) as thief:
        for _ in range(13):
            thief.xadd(keys.results("stolen"), {"b": bytes(MIB)})
    bounds.judge()
    bounds.judge()
    [finding] = refused(ExaminationContext(operator, None))
    assert finding.text == "Of what stolen wrote, this was refused: 1 over its bound."
    assert finding.advice.endswith("else run `manage.py region revoke stolen`.")


def over(bounds: RegionBounds) -> list[tuple[str, Any]]:
    """What is said of regions over their bounds in one turn."""
    with capture_logs() as logs:
        bounds.judge()
    told = [one for one in logs if one["event"] in ("regions.over_their_bounds", "region.over_its_bound")]
    return [(one["event"], one.get("region", one.get("regions"))) for one in told]

"""Acknowledged means kept: whatever is killed while jobs call, every acknowledged ping is applied, and once."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.vigil.heartbeats.conftest import ask, end, start
from tests.vigil.heartbeats.jobs import ago, call, job, logged, nobody
from tests.waiting import until
from vigil.clock import database_wall_now
from vigil.heartbeats.apply import apply_entries
from vigil.heartbeats.models import Heartbeat, Reception, ReceptionGap, StoredPing
from vigil.incidents.models import Incident
from vigil.local.servers import ports
from vigil.local.servers import redis as local_redis

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("machine")]


class PingRedis:
    """A Redis for pings, as an installation has it, that can be killed and started again on its files."""

    def __init__(self, home: Path) -> None:
        self.server = local_redis.prepare(home, secrets.token_urlsafe(12), ports.take_free_port(), local_redis.PINGS)
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self.server.argv, env=self.server.env, cwd=self.server.folder, stdout=subprocess.DEVNULL
        )
        until(self.server.is_ready)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


class Kept:
    """A process of the control plane that is started again by `kill`."""

    def __init__(self, command: list[str], is_up: Callable[[], bool], **env: str) -> None:
        self._command, self._env, self._is_up = command, env, is_up
        self.process = start(command, **env)

    def kill(self) -> None:
        end(self.process)
        self.process = start(self._command, **self._env)

    def wait_up(self) -> None:
        until(self._is_up, within_s=30)


class Caller(threading.Thread):
    """A job that calls without pause, each time with an id of its own, and remembers what was acknowledged."""

    def __init__(self, address: str, codes: list[str]) -> None:
        super().__init__(daemon=True)
        self._address, self._codes = address, codes
        self.acknowledged: list[str] = []
        self.refused = 0
        self._enough = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._enough.wait(0.01):
            number += 1
            rid = f"{self.name}-{number}"
            code = self._codes[number % len(self._codes)]
            try:
                reply = ask(f"{self._address}/ping/{code}?rid={rid}")
            except (OSError, ValueError):
                self.refused += 1
                continue
            if reply.code == 200:
                self.acknowledged.append(rid)
            else:
                self.refused += 1

    def stop(self) -> None:
        self._enough.set()
        self.join(15)


@pytest.fixture
def ping_redis() -> Iterator[PingRedis]:
    with tempfile.TemporaryDirectory(prefix="vigil-pings-") as home:
        server = PingRedis(Path(home))
        yield server
        server.kill()


def answers(address: str) -> bool:
    with contextlib.suppress(OSError):
        return ask(f"{address}/healthz").code == 200
    return False


def test_whatever_is_killed_every_acknowledged_ping_is_applied_once(
    ping_redis: PingRedis, test_database_url: str
) -> None:
    port, health = ports.take_free_port(), ports.take_free_port()
    address = f"http://127.0.0.1:{port}"
    env: dict[str, Any] = {"VIGIL_DATABASE_URL": test_database_url, "VIGIL_PING_REDIS_URL": ping_redis.server.url}
    rows = [job(f"job {number}", period_s=60, grace_s=60) for number in range(40)]
    ping = Kept(["ping", "--port", str(port)], lambda: answers(address), **env)
    heartbeats = Kept(
        ["heartbeats"], lambda: answers(f"http://127.0.0.1:{health}"), **env, VIGIL_HEALTH_PORT=str(health)
    )
    callers = [Caller(address, [str(row.code) for row in rows]) for _ in range(4)]
    try:
        ping.wait_up()
        heartbeats.wait_up()
        for caller in callers:
            caller.start()

        def acknowledged() -> int:
            return sum(len(caller.acknowledged) for caller in callers)

        def until_more(pings: int) -> None:
            enough = acknowledged() + pings
            until(lambda: acknowledged() > enough, "pings", within_s=30)

        for victim in (ping, heartbeats, ping_redis, heartbeats, ping_redis, ping):
            until_more(50)
            victim.kill()
            if victim is ping_redis:
                # Away for a while: what comes now goes to PostgreSQL.
                until_more(20)
                ping_redis.start()
        before = acknowledged()
        until(lambda: acknowledged() > before + 50, within_s=30)
        for caller in callers:
            caller.stop()
        expected = {rid for caller in callers for rid in caller.acknowledged}
        until(lambda: not expected - set(StoredPing.objects.values_list("rid", flat=True)), within_s=30)
    finally:
        for process in (ping, heartbeats):
            end(process.process)
    counts = Counter(StoredPing.objects.values_list("rid", flat=True))
    assert max(counts.values()) == 1
    assert sum(Heartbeat.objects.values_list("pings", flat=True)) == sum(counts.values())
    assert not Incident.objects.exists()
    assert sum(caller.refused for caller in callers) > 0, "nothing was killed while it was called"


def test_1_a_silence_is_told_though_nobody_receives_at_its_deadline_and_who_calls_then_is_not(
    ping_redis: PingRedis, test_database_url: str
) -> None:
    """The receiver is killed before the deadline of two jobs and started after it; one of them calls again then."""
    port, health = ports.take_free_port(), ports.take_free_port()
    address = f"http://127.0.0.1:{port}"
    env: dict[str, Any] = {"VIGIL_DATABASE_URL": test_database_url, "VIGIL_PING_REDIS_URL": ping_redis.server.url}
    ping = Kept(["ping", "--port", str(port)], lambda: answers(address), **env)
    heartbeats = Kept(
        ["heartbeats"], lambda: answers(f"http://127.0.0.1:{health}"), **env, VIGIL_HEALTH_PORT=str(health)
    )
    try:
        ping.wait_up()
        heartbeats.wait_up()
        until(Reception.objects.exists)
        silent, calling = (job(name, period_s=60, grace_s=60) for name in ("silent", "calling"))
        # A grace of seconds, which people may not ask for: the fair wait is as short.
        Heartbeat.objects.update(grace_s=4)
        apply_entries([logged(call(silent, ago(seconds=62)), call(calling, ago(seconds=62)))], nobody)
        expected = Heartbeat.objects.get(pk=silent.pk).expected_at
        assert expected is not None
        deadline = expected + timedelta(seconds=4)
        end(ping.process)
        until(lambda: database_wall_now() > deadline + timedelta(seconds=1))
        ping.kill()
        ping.wait_up()
        assert ask(f"{address}/ping/{calling.code}").code == 200
        until(lambda: Incident.objects.filter(monitor=silent.monitor).exists(), within_s=40)
    finally:
        for process in (ping, heartbeats):
            end(process.process)
    gap = ReceptionGap.objects.order_by("-end")[0]
    incident = Incident.objects.get()
    assert incident.monitor == silent.monitor and incident.failure == "missed"
    assert gap.begin < deadline < gap.end
    assert f"Vigil could not receive from {gap.begin:%H:%M:%S} to " in incident.transitions.get().text
    # Not before the fair wait, which is the grace here, and not long after it.
    assert timedelta(seconds=4) <= incident.opened_at - gap.end < timedelta(seconds=25)


def test_what_redis_has_acknowledged_survives_its_kill(ping_redis: PingRedis) -> None:
    client = redis.Redis.from_url(ping_redis.server.url)
    for number in range(500):
        client.xadd("vigil:pings", {"b": str(number)})
    assert client.config_get("appendfsync") == {"appendfsync": "always"}
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    ping_redis.kill()
    ping_redis.start()
    assert redis.Redis.from_url(ping_redis.server.url).xlen("vigil:pings") == 500

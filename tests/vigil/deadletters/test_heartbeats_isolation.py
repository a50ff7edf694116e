"""Heartbeats with faults planted at each step, and with pings and rows that cannot be handled."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.db import connection

import vigil.heartbeats.apply
import vigil.heartbeats.service
import vigil.heartbeats.sweep
from probes import keys
from probes.process.health import Health
from tests.planting import Fault, Planted, plant, plant_poison
from tests.vigil.heartbeats.jobs import ago, call, job, listening, logged, nobody
from tests.waiting import until
from vigil.deadletters.actions import waiting
from vigil.heartbeats.apply import apply_entries
from vigil.heartbeats.core.pings.wire import PING_VERSION, LogEntry, Ping, PingKind, encode
from vigil.heartbeats.models import Heartbeat, Reception, SpooledEntry, StoredPing
from vigil.heartbeats.service import HeartbeatService
from vigil.incidents.models import Incident

pytestmark = pytest.mark.django_db(transaction=True)
DELAY_S = 5.0
STEPS = ["listen", "notified", "read_streams", "anything_spooled", "apply_each", "follow_monitors", "sweep", "decode"]


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@contextlib.contextmanager
def two_running(client: redis.Redis) -> Iterator[list[threading.Thread]]:
    stop = threading.Event()

    def live() -> None:
        HeartbeatService(client, Health("heartbeats", stale_after_s=15), nobody).run(stop)
        connection.close()

    threads = [threading.Thread(target=live, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        stop.set()
        for thread in threads:
            thread.join(15)


def write(client: redis.Redis, *pings: Ping) -> None:
    client.xadd(keys.PINGS, {keys.BODY: encode(LogEntry(PING_VERSION, "test", list(pings)))})


def poison_pings(monkeypatch: pytest.MonkeyPatch, fault: type[BaseException] = Fault) -> Planted:
    """Pings with this agent fail where they are understood."""
    place = vigil.heartbeats.apply
    return plant_poison(monkeypatch, place, "understood", lambda ping, *_: ping.agent == "poison", fault)


@pytest.mark.parametrize("step", STEPS)
def test_s05_a_fault_at_a_step_ends_no_heartbeats_process(
    client: redis.Redis, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = job()
    always = step in ("follow_monitors", "sweep")
    fault = plant(monkeypatch, vigil.heartbeats.service, step, times=None if always else 3)
    with two_running(client) as threads:
        if step in ("apply_each", "decode"):
            write(client, call(row, ago(minutes=2)), call(row, ago(minutes=1)))
        until(lambda: fault.raised >= 2, "the fault")
        write(client, call(row, ago(seconds=1)))
        until(lambda: StoredPing.objects.filter(at__gt=ago(seconds=30)).exists(), "the ping", within_s=DELAY_S)
        assert all(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("fault", [Fault, OverflowError, UnicodeDecodeError, RecursionError])
def test_s04_a_ping_that_cannot_be_applied_costs_itself(
    client: redis.Redis, fault: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = job("bad"), job("good")
    poison_pings(monkeypatch, fault)
    # In one entry, as the receiver writes what comes together, with a later ping of the same job.
    write(
        client,
        call(good, ago(minutes=4)),
        call(bad, ago(minutes=3), agent="poison"),
        call(bad, ago(minutes=2), PingKind.FAIL),
        call(bad, ago(minutes=1)),
    )
    write(client, call(good, ago(seconds=1)))
    with two_running(client) as threads:
        until(lambda: StoredPing.objects.count() == 4, "all others", within_s=DELAY_S)
        until(lambda: not client.xlen(keys.PINGS), "the log to be passed")
        assert all(thread.is_alive() for thread in threads)
    assert list(StoredPing.objects.filter(heartbeat=bad).order_by("n").values_list("kind", flat=True)) == [
        "fail", "success",
    ]  # fmt: skip
    letter = waiting().get()
    assert (letter.source, letter.step, letter.origin) == ("heartbeats", "apply", str(bad.code))
    assert letter.is_replayable


def test_s04_a_spooled_ping_that_cannot_be_applied_costs_itself(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = job()
    poison_pings(monkeypatch)
    entry = LogEntry(PING_VERSION, "test", [call(row, ago(minutes=2), agent="poison"), call(row, ago(minutes=1))])
    SpooledEntry.objects.create(entry=encode(entry))
    with two_running(client):
        until(lambda: StoredPing.objects.count() == 1, "the other", within_s=DELAY_S)
        until(lambda: not SpooledEntry.objects.exists(), "the spool to be passed")
    assert waiting().count() == 1


def test_s07_a_row_that_cannot_be_swept_or_followed_stops_no_other(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [job(f"job {number}") for number in range(5)]
    for row in rows:
        apply_entries([logged(call(row, ago(minutes=300)))], nobody)
    listening()
    bad = rows[2].pk

    def is_poison(subject: Any, *_: Any) -> bool:
        return bool(subject.row.pk == bad)

    fault = plant_poison(monkeypatch, vigil.heartbeats.sweep, "_step", is_poison)
    with two_running(client) as threads:
        until(lambda: Incident.objects.count() == 4, "the four others", within_s=DELAY_S)
        until(lambda: waiting().filter(step="sweep", origin=str(bad)).exists(), "the letter")
        assert all(thread.is_alive() for thread in threads)
    assert fault.raised < 40, "it rests"
    monkeypatch.undo()
    Reception.objects.all().delete()
    listening()
    with two_running(client):
        until(lambda: Incident.objects.count() == 5, "the row after the fix", within_s=DELAY_S)
    assert Heartbeat.objects.filter(status="down").count() == 5

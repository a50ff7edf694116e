"""Ingest with a fault planted at each step, and with poison among its verdicts, leading and standing by."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
import redis

import vigil.incidents.verdict_stream
import vigil.ingest
from probes import keys
from probes.process.health import Health
from tests.planting import Fault, plant, plant_poison
from tests.signed import control_entry, hold_quarantines, mark_alive
from tests.vigil.test_ingest import down
from tests.waiting import until
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery, SelfTest
from vigil.alerts.selftest import selftest
from vigil.alerts.selftest.selftest import run_self_tests
from vigil.deadletters.actions import waiting
from vigil.deadletters.models import DeadLetter
from vigil.incidents.apply import VerdictEntry
from vigil.incidents.installation.dead_letters import CAUSE
from vigil.incidents.models import Incident, IngestPosition
from vigil.ingest import Ingest
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db(transaction=True)
#: What a poison may cost the others (s).
DELAY_S = 5.0

STEPS = [
    "listen", "notified", "reconcile_monitors", "settle_flapping", "sweep_composites", "settle_providers",
    "run_self_tests", "note_dark_regions", "note_quarantines", "silent_parts", "move_from_redis", "note_dead_letters",
    "read_streams", "admit_verdict", "apply_verdicts",
]  # fmt: skip
#: Without these nothing is applied: their fault passes, as that of a server does.
NEEDED = {"listen", "read_streams", "admit_verdict", "apply_verdicts"}


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def monitors() -> list[Monitor]:
    region = Region.objects.create(slug="eu-west", domain="aws")
    config = {"url": "https://example.test/"}
    fields = {"kind": "http", "config": config, "regions": [region]}
    return [create_monitor(default_team(), {"name": f"shop {number}", **fields}) for number in range(3)]


@contextlib.contextmanager
def two_running(client: redis.Redis) -> Iterator[list[threading.Thread]]:
    from django.db import connection

    stop = threading.Event()

    def live() -> None:
        Ingest(client, Health("ingest", stale_after_s=15)).run(stop)
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


def add(client: redis.Redis, monitor: Monitor) -> bytes:
    return cast(bytes, client.xadd(keys.VERDICTS, control_entry(keys.VERDICTS, down(monitor))))


def opened_after_s(monitor: Monitor, entry: bytes) -> float:
    """How long after its verdict was written an incident was opened, by the servers' clocks."""
    opened = Incident.objects.get(monitor=monitor).opened_at
    return opened.timestamp() - keys.entry_id(entry)[0] / 1000


@pytest.mark.parametrize("step", STEPS)
def test_s05_a_fault_at_a_step_ends_no_ingest(
    client: redis.Redis, monitors: list[Monitor], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = vigil.incidents.verdict_stream if step == "read_streams" else vigil.ingest
    fault = plant(monkeypatch, place, step, times=3 if step in NEEDED else None)
    hold_quarantines(client)
    mark_alive(client)
    with two_running(client) as threads:
        if step not in ("admit_verdict", "apply_verdicts"):
            until(lambda: fault.raised >= 2, "the fault")
        written = [add(client, monitor) for monitor in monitors[:2]]
        until(lambda: fault.raised >= 2, "the fault")
        if step not in ("admit_verdict", "apply_verdicts"):
            until(lambda: Incident.objects.filter(monitor__isnull=False).count() == 2, "both")
            assert max(map(opened_after_s, monitors[:2], written)) < DELAY_S
        last = add(client, monitors[2])
        until(lambda: Incident.objects.filter(monitor=monitors[2]).exists(), "the next")
        assert opened_after_s(monitors[2], last) < DELAY_S
        assert all(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("fault", [Fault, UnicodeDecodeError, RecursionError, OverflowError, MemoryError])
def test_s05_a_verdict_that_cannot_be_applied_costs_itself(
    client: redis.Redis, monitors: list[Monitor], fault: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = monitors[1].public_id

    def is_poison(part: Sequence[VerdictEntry], *_: Any) -> bool:
        return any(entry.verdict.monitor == bad for entry in part)

    plant_poison(monkeypatch, vigil.ingest, "apply_verdicts", is_poison, fault)
    with two_running(client) as threads:
        entries = [add(client, monitor) for monitor in monitors]
        until(lambda: Incident.objects.filter(monitor=monitors[2]).exists(), "the one behind it")
        assert opened_after_s(monitors[2], entries[2]) < DELAY_S
        until(lambda: Incident.objects.filter(cause_key=CAUSE).exists(), "the operator's incident")
        assert all(thread.is_alive() for thread in threads)
    letter = waiting().get()
    assert (letter.source, letter.origin, letter.count) == ("ingest", bad, 1)
    assert letter.entry == entries[1].decode() and letter.is_replayable
    assert IngestPosition.objects.get(pk=keys.VERDICTS).entry_id == entries[2].decode()
    assert {incident.monitor_id for incident in Incident.objects.exclude(monitor=None)} == {
        monitors[0].pk, monitors[2].pk,
    }  # fmt: skip


def test_s05_a_position_stays_where_the_letter_was_not_kept(
    client: redis.Redis, monitors: list[Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed or cut off between the two, the entry would be passed unseen: both are one transaction."""
    plant(monkeypatch, vigil.ingest, "apply_verdicts", times=None)
    plant(monkeypatch, vigil.ingest, "pass_entry", times=2)
    client.xadd(keys.VERDICTS, control_entry(keys.VERDICTS, down(monitors[0])))
    with two_running(client):
        until(lambda: DeadLetter.objects.filter(step="apply").exists(), "the letter")
    assert DeadLetter.objects.get(step="apply").count == 1


def two_teams_that_test(monitors: list[Monitor]) -> list[Team]:
    """Two teams whose channels take part in self-tests."""
    teams = [default_team(), Team.objects.create(name="other", slug="other")]
    for team in teams:
        config = {"url": "http://127.0.0.1:9/"}
        Channel.objects.create(team=team, name=team.slug, kind="webhook", config=config, self_test_minutes=60)
    return teams


@pytest.mark.parametrize("step", ["_begin_due", "_go_on", "_begin", "participants"])
def test_s05_a_self_test_that_cannot_be_run_stops_no_other(
    client: redis.Redis, monitors: list[Monitor], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = two_teams_that_test(monitors)
    if step == "_go_on":
        run_self_tests()
        Delivery.objects.update(state="sent")
        bad_test = SelfTest.objects.get(team=bad)

    def is_poison(first: Any, *_: Any) -> bool:
        return first in (bad, bad_test.pk) if step == "_go_on" else first == bad

    plant_poison(monkeypatch, selftest, step, is_poison)
    mark_alive(client)
    tests = SelfTest.objects.filter(team=good)
    with two_running(client) as threads:
        if step == "_go_on":
            until(lambda: tests.filter(incident__resolved_at__isnull=False).exists(), "the other", within_s=DELAY_S)
        else:
            until(tests.exists, "the other", within_s=DELAY_S)
        entry = add(client, monitors[0])
        until(lambda: Incident.objects.filter(monitor=monitors[0]).exists(), "an alert meanwhile")
        assert opened_after_s(monitors[0], entry) < DELAY_S
        assert all(thread.is_alive() for thread in threads)

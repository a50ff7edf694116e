"""Ingest in shards on real servers: a change of their number loses no verdict, and tells nothing twice."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.db import connection
from msgspec.structs import replace

from consensus.admission import admit_verdict
from consensus.shards import WHOLE, Shard, shard_of, shards_of
from consensus.verdicts import encode
from probes import keys
from probes.process.health import Health
from tests.consensus.examples import FIVE_REGIONS
from tests.signed import control_entry, signing_key
from tests.streams import add
from tests.vigil.test_ingest import down
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.cli.installation.migrated import is_whole
from vigil.configuration import configuration
from vigil.incidents.apply import VerdictEntry, apply_verdicts
from vigil.incidents.core.model import StepReason
from vigil.incidents.models import Incident, IngestPosition, Transition
from vigil.incidents.shards import commit, commit_configured, committed
from vigil.ingest import Ingest
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db(transaction=True)
CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
FIRST, SECOND = shards_of(2)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def monitors() -> list[Monitor]:
    """Twelve, some in each of two shards."""
    regions = [
        Region.objects.create(slug=slug, domain=domain, signing_key=signing_key(slug))
        for slug, domain in FIVE_REGIONS.items()
    ]
    made = [
        create_monitor(
            default_team(),
            {
                "name": f"shop {place}",
                "kind": "http",
                "config": {"url": f"https://shop-{place}.test/"},
                "regions": regions,
            },
        )
        for place in range(12)
    ]
    assert {shard_of(monitor.public_id, 2) for monitor in made} == {0, 1}
    return made


@contextlib.contextmanager
def running(client: redis.Redis, shard: Shard) -> Iterator[Ingest]:
    stop = threading.Event()
    ingest = Ingest(client, Health("ingest", stale_after_s=15), shard)

    def live() -> None:
        try:
            ingest.run(stop)
        finally:
            connection.close()

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    try:
        yield ingest
    finally:
        stop.set()
        thread.join(PATIENCE_S)


def say_down(client: redis.Redis, monitors: list[Monitor]) -> None:
    for monitor in monitors:
        add(client, keys.VERDICTS, control_entry(keys.VERDICTS, down(monitor)))


def await_incidents(count: int) -> None:
    until(lambda: Incident.objects.filter(kind="outage").count() >= count, f"{count} incidents", PATIENCE_S)


def test_each_shard_applies_what_is_its_own(client: redis.Redis, monitors: list[Monitor]) -> None:
    commit(2)
    with running(client, FIRST):
        say_down(client, monitors)
        own = [monitor.pk for monitor in monitors if FIRST.owns(monitor.public_id)]
        await_incidents(len(own))
        until(
            lambda: IngestPosition.objects.get(pk="vigil:verdicts/0of2").entry_id != keys.STREAM_START, "its position"
        )
        assert set(Incident.objects.values_list("monitor_id", flat=True)) == set(own)
        with running(client, SECOND):
            await_incidents(len(monitors))


def test_while_their_number_changes_each_verdict_is_applied_once(client: redis.Redis, monitors: list[Monitor]) -> None:
    """The old one and both new ones run beside each other, and Redis loses everything but the verdicts to come."""
    commit(1)
    with running(client, WHOLE):
        say_down(client, monitors[:4])
        await_incidents(4)
        commit(2)
        with running(client, FIRST), running(client, SECOND):
            say_down(client, monitors[4:8])
            await_incidents(8)
            client.flushdb()
            say_down(client, monitors[8:])
            await_incidents(12)

    opened = Transition.objects.filter(step="opened", incident__kind="outage")
    assert sorted(opened.values_list("incident__monitor_id", flat=True)) == [monitor.pk for monitor in monitors]


@contextlib.contextmanager
def a_process(shard: Shard = WHOLE) -> Iterator[subprocess.Popen[bytes]]:
    """An ingest in a process of its own."""
    server = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0]
    environment = {
        **os.environ,
        "VIGIL_DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}",
        "VIGIL_HEALTH_PORT": "0",
        "VIGIL_SHARDS": str(shard.count),
        "VIGIL_SHARD": str(shard.index),
        "PYTHONPATH": str(CHECKOUT),
    }
    command = [sys.executable, "-m", "vigil.cli", "run", "ingest"]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def test_killed_in_the_middle_of_a_change_the_old_one_leaves_the_rest_to_the_new(
    client: redis.Redis, monitors: list[Monitor]
) -> None:
    commit(1)
    with a_process() as old:
        say_down(client, monitors[:4])
        await_incidents(1)
        say_down(client, monitors[4:8])
        commit(2)
        say_down(client, monitors[8:])
        old.kill()
        old.wait(10)
    with running(client, FIRST), running(client, SECOND):
        await_incidents(12)

    opened = Transition.objects.filter(step="opened", incident__kind="outage")
    assert sorted(opened.values_list("incident__monitor_id", flat=True)) == [monitor.pk for monitor in monitors]


def test_one_two_three_and_one_again_with_all_old_ones_killed_each_time_tells_each_outage_once(
    client: redis.Redis, monitors: list[Monitor]
) -> None:
    commit(1)
    with contextlib.ExitStack() as rig:
        old = [rig.enter_context(a_process())]
        for place, count in enumerate((2, 3, 1)):
            first, second, third, fourth = monitors[place * 4 : place * 4 + 4]
            say_down(client, [first])
            await_incidents(place * 4 + 1)
            say_down(client, [second])
            commit(count)
            new = [rig.enter_context(a_process(shard)) for shard in shards_of(count)]
            say_down(client, [third])
            for process in old:
                process.kill()
                process.wait(10)
            say_down(client, [fourth])
            await_incidents(place * 4 + 4)
            old = new

    opened = Transition.objects.filter(step="opened", incident__kind="outage")
    assert sorted(opened.values_list("incident__monitor_id", flat=True)) == [monitor.pk for monitor in monitors]


def test_new_shards_begin_where_the_slowest_of_the_old_is() -> None:
    IngestPosition.objects.create(stream="vigil:verdicts", entry_id="70-0")
    commit(2)
    assert dict(IngestPosition.objects.values_list("stream", "entry_id")) == {
        "vigil:verdicts": "70-0", "vigil:verdicts/0of2": "70-0", "vigil:verdicts/1of2": "70-0",
    }  # fmt: skip

    IngestPosition.objects.filter(pk="vigil:verdicts/0of2").update(entry_id="90-0")
    IngestPosition.objects.filter(pk="vigil:verdicts/1of2").update(entry_id="100-0")
    commit(1)
    assert IngestPosition.objects.get(pk="vigil:verdicts").entry_id == "90-0"


def test_the_epoch_of_the_map_grows_with_each_change_and_stays_without_one() -> None:
    assert committed() is None
    first, again, second, back = commit(1), commit(1), commit(2), commit(1)

    assert first == again
    assert first.epoch < second.epoch < back.epoch
    assert committed() == back


def test_a_decider_is_fenced_by_the_epoch_of_its_own_shard(monitors: list[Monitor]) -> None:
    def entry(place: int, epoch: int, shard: str) -> VerdictEntry:
        verdict = admit_verdict(down(monitors[place], 1_700_000_000_000 + place))
        return VerdictEntry(f"{place + 1}-0", admit_verdict(encode(replace(verdict, epoch=epoch, shard=shard))))

    applied = apply_verdicts(
        [entry(0, 9, "0of2"), entry(1, 5, "1of2"), entry(2, 8, "0of2"), entry(3, 5, "1of2"), entry(4, 3, "")],
        lambda step: None,
    )
    assert applied.reasons.count(StepReason.OLD_EPOCH) == 1
    assert applied.reasons[2] is StepReason.OLD_EPOCH
    assert apply_verdicts([entry(5, 4, "1of2")], lambda step: None).reasons == (StepReason.OLD_EPOCH,)


def test_only_a_process_that_is_told_the_number_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def said(shards: str | None) -> str:
        monkeypatch.delenv("VIGIL_SHARDS", raising=False)
        if shards is not None:
            monkeypatch.setenv("VIGIL_SHARDS", shards)
        configuration.cache_clear()
        return commit_configured()

    assert said(None) == "Shards: 1 committed.", "a new installation"
    assert said("2") == "Shards: 2 committed, where there were 1."
    assert said(None) == "Shards: 2 as before, since VIGIL_SHARDS is not set."
    assert said("2") == "Shards: 2 as before."
    assert said("1") == "Shards: 1 committed, where there were 2."
    monkeypatch.undo()
    configuration.cache_clear()


@pytest.mark.parametrize(
    ("options", "whole"),
    [
        ("", True), ("--no-input -v 2", True), ("--verbosity=0 --database default", True),
        ("incidents", False), ("--plan", False), ("--check", False), ("--fake", False), ("incidents --prune", False),
    ],
)  # fmt: skip
def test_migrate_commits_the_number_unless_it_is_asked_for_less_than_all(options: str, whole: bool) -> None:
    assert is_whole(options.split()) is whole

"""Consensus in shards on a real Redis: each says its own, all see the same, and a change of number loses nothing."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from msgspec.structs import replace

from consensus.process.shard_lease import SharedMap
from consensus.shards import MAP_VERSION, WHOLE, Shard, ShardMap, shard_of, shards_of
from consensus.verdicts import Round, Verdict, encode
from probes import keys
from probes.process.redis_streams import redis_now_ms
from tests.consensus.examples import make_result, make_round
from tests.consensus.process.test_service import REGIONS, Bench
from tests.signed import control_entry, macs, report
from tests.waiting import until
from vigil.local.servers.redis import running as server_apart

#: Monitors of both shards of two.
MONITORS = [f"mon_{number}" for number in range(8)]
#: Two processes start in the time of one test, on a machine that does much besides.
STARTED_S = 60.0
pytestmark = pytest.mark.xdist_group("shards")


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    bench = Bench(redis_url)
    bench.believe_all_up()
    yield bench
    bench.client.close()


def commit(client: redis.Redis, shards: int, epoch: int) -> None:
    """Publish the map as ingest does."""
    SharedMap(client, macs(), lambda: redis_now_ms(client)).publish(ShardMap(MAP_VERSION, shards, epoch))


@contextlib.contextmanager
def running(bench: Bench, *shards: Shard) -> Iterator[list[subprocess.Popen[bytes]]]:
    processes = []
    for shard in shards:
        own = {"VIGIL_SHARDS": str(shard.count), "VIGIL_SHARD": str(shard.index)}
        servers = {"VIGIL_REDIS_URL": bench.url, "VIGIL_CONTROL_REDIS_URL": bench.control_url}
        environment = {**os.environ, **servers, "VIGIL_HEALTH_PORT": "0", **own}
        processes.append(
            subprocess.Popen([sys.executable, "-m", "consensus"], env=environment, stderr=subprocess.DEVNULL)
        )
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(10)


def leads(bench: Bench, shard: Shard) -> bool:
    return bool(bench.client.exists(keys.lease(shard.named("consensus"))))


def await_leaders(bench: Bench, *shards: Shard) -> None:
    until(lambda: all(leads(bench, shard) for shard in shards), "a leader of each shard", STARTED_S)


def open_all(bench: Bench) -> list[Round]:
    """A round on each monitor."""
    opened_ms = bench.now_ms()
    rounds = [
        replace(make_round(opened_ms=opened_ms), id=f"rnd_{monitor}_{opened_ms}", monitor=monitor)
        for monitor in MONITORS
    ]
    for round in rounds:
        bench.client.xadd(keys.ROUNDS, control_entry(keys.ROUNDS, encode(round)))
    return rounds


def vote(bench: Bench, rounds: list[Round]) -> None:
    for round in rounds:
        for region in REGIONS[:4]:
            bench.report(region, "fail", round, round.monitor)


def said(bench: Bench) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for verdict in bench.verdicts():
        found.setdefault(verdict.round, []).append(verdict)
    return found


def await_verdicts(bench: Bench, rounds: list[Round]) -> None:
    until(lambda: {round.id for round in rounds} <= said(bench).keys(), "a verdict on every round", STARTED_S)


def test_each_shard_calls_and_decides_for_its_own_monitors(bench: Bench) -> None:
    commit(bench.client, 2, 1)
    with running(bench, *shards_of(2)):
        await_leaders(bench, *shards_of(2))
        for monitor in MONITORS:
            bench.report("eu-west", "fail", monitor=monitor)
        until(lambda: len(bench.calls()) >= len(MONITORS), "a call for each", STARTED_S)
        rounds = open_all(bench)
        vote(bench, rounds)
        await_verdicts(bench, rounds)

    assert Counter(call.monitor for call in bench.calls()) == dict.fromkeys(MONITORS, 1)
    verdicts = [verdict for found in said(bench).values() for verdict in found]
    assert len(verdicts) == len(MONITORS)
    assert {(verdict.monitor, verdict.shard) for verdict in verdicts} == {
        (monitor, Shard(shard_of(monitor, 2), 2).name) for monitor in MONITORS
    }


def test_a_region_is_sick_by_what_it_fails_in_all_shards_together(bench: Bench) -> None:
    """Four monitors in each shard: too few for either alone, and enough together."""
    commit(bench.client, 2, 1)
    own = Counter(shard_of(monitor, 2) for monitor in MONITORS)
    assert max(own.values()) < 5 <= len(MONITORS), own
    with running(bench, *shards_of(2)):
        await_leaders(bench, *shards_of(2))

        def held() -> bool:
            for region in REGIONS:
                result = make_result("fail" if region == "eu-west" else "pass", started_ms=bench.now_ms())
                report(bench.client, region, *(replace(result, monitor=monitor) for monitor in MONITORS))
            return bool(bench.client.hexists(keys.QUARANTINED, "eu-west"))

        until(held, "the region in quarantine", STARTED_S)


def test_while_their_number_changes_the_old_decide_until_all_new_ones_lead(bench: Bench) -> None:
    commit(bench.client, 1, 1)
    first, second = shards_of(2)
    with running(bench, WHOLE):
        await_leaders(bench, WHOLE)
        commit(bench.client, 2, 2)
        with running(bench, first):
            await_leaders(bench, first)
            rounds = open_all(bench)
            vote(bench, rounds)
            # What the second shard owns, the old process still says.
            await_verdicts(bench, rounds)
            assert leads(bench, WHOLE)
            with running(bench, second):
                await_leaders(bench, second)
                until(lambda: not leads(bench, WHOLE), "the old one to stand back", STARTED_S)
                later = open_all(bench)
                vote(bench, later)
                await_verdicts(bench, later)
                assert all(verdict.shard for round in later for verdict in said(bench)[round.id])
            # Nobody leads the second shard any more: the old process is still there.
            until(lambda: leads(bench, WHOLE), "the old one to lead again", STARTED_S)


def test_killed_and_flushed_in_the_middle_of_a_change_every_round_has_its_verdict(bench: Bench) -> None:
    commit(bench.client, 1, 1)
    with running(bench, WHOLE) as (old,):
        await_leaders(bench, WHOLE)
        rounds = open_all(bench)
        commit(bench.client, 2, 2)
        old.kill()
        with running(bench, *shards_of(2)) as processes:
            vote(bench, rounds)
            await_leaders(bench, *shards_of(2))
            await_verdicts(bench, rounds)
            processes[1].kill()
            bench.client.flushdb()
            bench.believe_all_up()
            commit(bench.client, 2, 2)
            with running(bench, Shard(1, 2)):
                await_leaders(bench, *shards_of(2))
                later = open_all(bench)
                vote(bench, later)
                await_verdicts(bench, later)


def test_shards_work_where_regions_have_a_server_apart(redis_url: str, tmp_path: Path) -> None:
    """The map, the leases and the verdicts are on the control plane's own, and results on that of the regions."""
    tmp_path.chmod(0o711)
    with server_apart(tmp_path, "not-a-secret", tmp_path / "redis.log") as control:
        bench = Bench(redis_url, control.url)
        bench.believe_all_up()
        commit(bench.client, 2, 1)
        with running(bench, *shards_of(2)), redis.Redis.from_url(redis_url) as of_regions:
            await_leaders(bench, *shards_of(2))
            rounds = open_all(bench)
            vote(bench, rounds)
            await_verdicts(bench, rounds)
            assert {verdict.shard for found in said(bench).values() for verdict in found} == {"0of2", "1of2"}
            assert not of_regions.exists(keys.SHARD_MAP, keys.VERDICTS, keys.lease("consensus/0of2"))
            assert of_regions.exists(keys.results(REGIONS[0]))
        bench.client.close()

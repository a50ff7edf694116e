"""The Redis users of deploy/redis.acl.example can do their work, and a region nothing beyond its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from consensus.process.connection import connect
from consensus.process.shard_lease import ShardLease, SharedMap
from consensus.process.shard_marks import ShardMarks
from consensus.shards import MAP_VERSION, ShardMap, shards_of
from probes import keys, wire
from probes.process.redis_streams import redis_now_ms
from probes.signing.private_keys import stream_keys_of
from tests.e2e.region_under_acl import CHECKOUT, EXAMPLE, REGION, Region, address_of, example_server
from tests.signed import macs, say_alive, trust
from tests.waiting import until
from vigil.enrolment.core import redis_users
from vigil.local.servers import redis as local_redis

#: What a stolen region could stop others with, look around with, or take over with.
FORBIDDEN = """
    EVAL return 0|EVALSHA 0 0|SCRIPT LOAD x|SCRIPT FLUSH|FUNCTION FLUSH|SETRANGE {own} 150000000 x
    BITFIELD {own} SET u8 0 1|SETBIT {own} 1 1|APPEND {own} x|PFADD {own} x|GEOADD {own} 1 1 x|SCAN 0
    RANDOMKEY|DBSIZE|KEYS *|INFO|INFO keyspace|INFO clients|CLIENT LIST|CLIENT KILL ID 1|CLIENT PAUSE 1
    CLIENT TRACKING ON|ACL LIST|ACL WHOAMI|CONFIG GET *|CONFIG SET maxmemory 1|FLUSHALL|FLUSHDB|SUBSCRIBE x|PUBLISH x y
    MONITOR|SHUTDOWN|SAVE|BGSAVE|REPLICAOF NO ONE|MIGRATE 127.0.0.1 1 x 0 9|DUMP {own}|RESTORE {own} 0 x
    SWAPDB 0 1|SELECT 1|SORT {own}|OBJECT ENCODING {own}|MEMORY USAGE {own}|DEBUG SLEEP 0|SLOWLOG GET|LATENCY LATEST
    MODULE LIST|WAIT 0 0|LOLWUT|ECHO x|TYPE {own}|RENAME {own} {own}|COPY {own} {own}|XGROUP CREATE {own} x 0
    EXPIRE {own} 1|LRANGE {own} 0 1
"""
FOREIGN = (
    keys.results("us-east"), keys.latest("us-east"), keys.status("us-east"), keys.alive("us-east"), keys.VERDICTS,
    keys.CALLS, keys.ROUNDS, keys.BELIEVED, keys.ALIVE, keys.PINGS, keys.DEAD_LETTERS, keys.QUARANTINED, keys.SHARES,
    keys.lease("consensus"), f"{keys.celery_prefix('us-east')}{keys.queue('us-east', wire.Lane.CONFIRM)}",
    keys.results(REGION) + "x",
)  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[local_redis.LocalRedis]:
    with example_server(tmp_path) as server:
        yield server


def refused(admin: Redis, user: str) -> set[str]:
    """What this user was refused since the log was emptied."""
    log: list[dict[bytes, Any]] = admin.execute_command("ACL", "LOG") or []
    return {entry[b"object"].decode() for entry in log if entry[b"username"] == user.encode()}


def reshard(admin: Redis, url: str) -> None:
    """Commit two shards as ingest does, and lead both beside the process of one: it stands back under the same user."""
    assert admin.exists(keys.lease("consensus"))
    SharedMap(admin, macs(), lambda: redis_now_ms(admin)).publish(ShardMap(MAP_VERSION, 2, 1))
    with connect(url) as client:
        shared = SharedMap(client, macs(), lambda: redis_now_ms(client))
        leases = [ShardLease(client, "consensus", shard, shared) for shard in shards_of(2)]
        marks = [ShardMarks(client, "consensus", shard, macs()) for shard in shards_of(2)]

        def stands_back() -> bool:
            for mark in marks:
                mark.beat()
            epochs = [lease.renew() for lease in leases]
            return all(epochs) and not admin.exists(keys.lease("consensus"))

        until(stands_back, "the leader of one shard to stand back", 30)


def test_s03_the_example_holds_the_rules_that_the_code_states() -> None:
    lines = dict(line.removeprefix("user ").split(" ", 1) for line in EXAMPLE.read_text().splitlines())
    assert lines.pop("default") == "reset on nopass -@all +ping"
    assert lines.pop("control") == redis_users.control_rules("PASSWORD-OF-CONTROL")
    assert lines.pop("users") == redis_users.users_rules("PASSWORD-OF-USERS")
    assert lines.pop("consensus") == redis_users.consensus_rules("PASSWORD-OF-CONSENSUS")
    assert lines == {
        keys.user(name): redis_users.region_rules(name, f"PASSWORD-OF-{name.upper()}") for name in ("eu-west",)
    }


def test_s03_a_worker_never_meets_a_command_that_its_user_may_not_send(
    server: local_redis.LocalRedis, tmp_path: Path
) -> None:
    region = Region(server, tmp_path)
    with Redis.from_url(server.url) as admin:
        admin.execute_command("ACL", "LOG", "RESET")
        with region.running() as worker:
            region.check(wire.Lane.CONFIRM)
            region.check(wire.Lane.SCHEDULED)
            admin.execute_command("CLIENT", "KILL", "USER", "worker-eu-west")
            region.check(wire.Lane.CONFIRM)
            worker.terminate()
            assert worker.wait(20) == 0
        with region.running() as worker:
            region.check(wire.Lane.SCHEDULED)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        with region.running() as worker:
            region.check(wire.Lane.CONFIRM)
            worker.terminate()
            assert worker.wait(20) == 0
        assert refused(admin, "worker-eu-west") == set()


def test_s03_a_region_may_not_run_look_fill_or_stop(server: local_redis.LocalRedis) -> None:
    with Redis.from_url(address_of(server, "worker-eu-west", "PASSWORD-OF-EU-WEST"), driver_info=None) as client:
        for line in FORBIDDEN.format(own=keys.stored(REGION)).strip().splitlines():
            for command in line.strip().split("|"):
                # A command that this Redis does not know is not there to be refused.
                with pytest.raises((NoPermissionError, ResponseError), match=r"(?i)permission|unknown command"):
                    client.execute_command(*command.split())
        for key in FOREIGN:
            for words in ("XADD {} * b c", "SET {} x", "GET {}", "HSET {} a b", "DEL {}", "LPUSH {} x", "HMGET {} a"):
                with pytest.raises(NoPermissionError):
                    client.execute_command(*words.format(key).split())


def test_s03_consensus_works_under_its_own_list_and_sees_no_queue(server: local_redis.LocalRedis) -> None:
    url = address_of(server, "consensus", "PASSWORD-OF-CONSENSUS")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "DJANGO_"))}
    keys_of_consensus = {"VIGIL_STREAM_KEYS": stream_keys_of(os.environ["VIGIL_SEAL_KEYS"])}
    with Redis.from_url(server.url) as admin:
        admin.execute_command("ACL", "LOG", "RESET")
        # A region's key of the wrong type, which consensus puts right.
        admin.set(keys.results(REGION), "mine")
        admin.hset(keys.BELIEVED, keys.BELIEVED_MARK.decode(), "1")
        trust(admin, REGION)
        say_alive(admin, REGION, wire.RegionStatus(1, int(time.time() * 1000), 0, 0, 0, 0, "b", "r"))
        process = subprocess.Popen(
            [sys.executable, "-m", "consensus"], cwd=CHECKOUT, env=env | {"VIGIL_REDIS_URL": url} | keys_of_consensus
        )
        try:
            until(lambda: bool(admin.hget(keys.ALIVE, "consensus")), within_s=30)
            until(lambda: not admin.exists(keys.results(REGION)), within_s=30)
            reshard(admin, url)
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
        assert refused(admin, "consensus") == set()
    with Redis.from_url(url) as client, pytest.raises(NoPermissionError):
        client.get(keys.celery_prefix(REGION) + keys.queue(REGION, wire.Lane.CONFIRM))

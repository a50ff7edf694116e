"""The Redis users of deploy/redis.acl.example can do their work, and a region nothing beyond its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from probes import keys, wire
from probes.probers import encode_spec, parse_spec
from probes.queue.sender import RegionQueues
from probes.seal import generate_keypair
from tests.waiting import until
from vigil.local import redis as local_redis

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """host:port/database of a Redis with the users of the example."""
    with local_redis.running(tmp_path, "of-the-default-user", tmp_path / "redis.log") as server:
        with Redis.from_url(server.url) as admin:
            for line in (CHECKOUT / "deploy" / "redis.acl.example").read_text().splitlines():
                _, name, *rules = line.split()
                if name != "default":
                    admin.execute_command("ACL", "SETUSER", name, *rules)
        yield f"127.0.0.1:{server.port}/0"


def test_a_region_works_with_its_own_keys_and_touches_no_others(address: str) -> None:
    control = f"redis://control:PASSWORD-OF-CONTROL@{address}"
    own = f"redis://worker-eu-west:PASSWORD-OF-EU-WEST@{address}"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "DJANGO_"))}
    env |= {"VIGIL_REDIS_URL": own, "VIGIL_REGION_KEY": generate_keypair()[0], "VIGIL_EGRESS": "private"}
    worker = subprocess.Popen([sys.executable, "-m", "probes", "--region", "eu-west"], cwd=CHECKOUT, env=env)
    try:
        with Redis.from_url(control) as client:
            until(lambda: bool(client.exists(keys.status("eu-west"))), within_s=30)
            now = int(time.time() * 1000)
            spec = encode_spec(parse_spec("tcp", {"host": "127.0.0.1", "port": int(address[10:].split("/")[0])}))
            check = wire.Check(1, "mon_x", "tcp", now, now + 30_000, 2_000, msgspec.Raw(spec))
            RegionQueues(control).send(wire.Batch(1, "eu-west", wire.Lane.CONFIRM, [check]), 30)
            until(lambda: bool(client.xlen(keys.results("eu-west"))), within_s=30)
    finally:
        worker.terminate()
        assert worker.wait(20) == 0
    with Redis.from_url(own) as client:
        # What it hears of the control plane is passed on under a key of its own.
        assert client.hgetall(keys.alive("eu-west")) == {}
        for foreign in (keys.ALIVE, keys.alive("us-east")):
            with pytest.raises(NoPermissionError):
                client.hset(foreign, "ingest", "1")
        for foreign in (keys.results("us-east"), keys.VERDICTS, keys.CALLS):
            with pytest.raises(NoPermissionError):
                client.xadd(foreign, {"b": b""})
        with pytest.raises(NoPermissionError):
            client.flushall()

"""A Redis with the users of deploy/redis.acl.example, and a real worker under the user of its region."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from redis import Redis

from probes import keys, wire
from probes.probers import encode_spec, parse_spec
from probes.queue.sender import RegionQueues
from probes.seal import Sealer, binding, generate_keypair
from tests.signed import control_signer, worker_environment
from tests.waiting import until
from vigil.local.servers import redis as local_redis

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = CHECKOUT / "deploy" / "redis.acl.example"
REGION = "eu-west"


@contextlib.contextmanager
def example_server(folder: Path) -> Iterator[local_redis.LocalRedis]:
    """A Redis with the users of the example."""
    with local_redis.running(folder, "of-the-default-user", folder / "redis.log") as server:
        with Redis.from_url(server.url) as admin:
            for line in EXAMPLE.read_text().splitlines():
                _, name, *rules = line.split()
                if name != "default":
                    admin.execute_command("ACL", "SETUSER", name, *rules)
        yield server


def address_of(server: local_redis.LocalRedis, user: str, password: str) -> str:
    return f"redis://{user}:{password}@127.0.0.1:{server.port}/0"


class Region:
    """A real worker under its own user, and the control plane's view of it."""

    def __init__(self, server: local_redis.LocalRedis, folder: Path, port: int = 0) -> None:
        self._server = server
        url = address_of(server, "worker-eu-west", "PASSWORD-OF-EU-WEST")
        self.url = url.replace(f":{server.port}/", f":{port or server.port}/")
        self.control = address_of(server, "control", "PASSWORD-OF-CONTROL")
        private, self._public = generate_keypair()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "DJANGO_"))}
        self._env = inherited | {
            "VIGIL_REDIS_URL": self.url,
            **worker_environment(REGION),
            "VIGIL_REGION_KEY": private,
            "VIGIL_EGRESS": "private",
            "VIGIL_JOURNAL": str(folder / "journal.sqlite"),
            "VIGIL_REGION_ALARM_URL": "http://127.0.0.1:1/",
            "VIGIL_REGION_ALARM_MEMORY": str(folder / "alarm.json"),
        }
        self._monitors = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        argv = [sys.executable, "-m", "probes", "--region", REGION]
        with Redis.from_url(self.control) as client:
            client.delete(keys.status(REGION))
            process = subprocess.Popen(argv, cwd=CHECKOUT, env=self._env)
            try:
                until(lambda: bool(client.exists(keys.status(REGION))), within_s=30)
                yield process
            finally:
                process.kill()
                process.wait()

    def check(self, lane: wire.Lane) -> None:
        """Order a check with secrets, and wait until its result is shown."""
        monitor = self.order(lane)
        with Redis.from_url(self.control) as client:
            until(lambda: monitor in {name.decode() for name in client.hkeys(keys.latest(REGION))}, within_s=30)
            assert wire.decode_result(client.hget(keys.latest(REGION), monitor) or b"").status == "up"

    def order(self, lane: wire.Lane, port: int = 0) -> str:
        """Order a check with secrets, of this Redis or of what answers on the port; returns the monitor."""
        self._monitors += 1
        monitor, now = f"mon_{self._monitors}", int(time.time() * 1000)
        spec = encode_spec(parse_spec("redis", {"host": "127.0.0.1", "port": port or self._server.port}))
        bound = binding(REGION, monitor, "redis", spec)
        sealed = Sealer(self._public).seal_secrets({"password": "of-the-default-user"}, bound)
        order = wire.Check(1, monitor, "redis", now, now + 30_000, 5_000, msgspec.Raw(spec), sealed, every_ms=60_000)
        queues = RegionQueues(self.control, control_signer())
        queues.send(wire.Batch(1, REGION, lane, [order]), 30)
        queues.close()
        return monitor

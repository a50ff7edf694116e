"""A region that is cut from everything goes on by its last orders, also when it is killed, and forgets nothing."""

from __future__ import annotations

import contextlib
import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
import redis

from probes import keys, wire
from probes.probers import encode_spec, parse_spec
from probes.queue.sender import RegionQueues
from probes.wire import Batch, Check, Lane, Result
from tests.signed import control_signer, pass_mark_on, worker_environment
from tests.streams import entries
from tests.waiting import until
from vigil.local.servers import ports
from vigil.local.servers.redis import LocalRedis, prepare

REGION = "eu-west"
MONITORS = 20
EVERY_MS = 1_000
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

Start = Callable[[], subprocess.Popen[bytes]]


class Target:
    """Answers on loopback, and knows when it was asked."""

    def __init__(self) -> None:
        self.asked_s: list[float] = []
        target = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.recv(65_536)
                target.asked_s.append(time.monotonic())
                self.request.sendall(ANSWER)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def asked_within(self, seconds: float) -> int:
        since = time.monotonic() - seconds
        return sum(asked >= since for asked in self.asked_s)


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.server.shutdown()
    target.server.server_close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[LocalRedis, Start]]:
    """A Redis that comes back with an empty memory, and what starts it."""
    home = tmp_path / "redis"
    home.mkdir()
    server = prepare(home, "not-a-secret", ports.take_free_port())
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        argv = [*server.argv, "--appendonly", "no", "--save", ""]
        started.append(subprocess.Popen(argv, env=server.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        until(server.is_ready, within_s=30)
        return started[-1]

    yield server, start
    for process in started:
        process.kill()
        process.wait()


@contextlib.contextmanager
def worker(url: str, folder: Path) -> Iterator[Start]:
    """What starts a worker, whose local store and log are in the folder; all of them are gone in the end."""
    started: list[subprocess.Popen[bytes]] = []
    settings = {
        "PATH": os.environ["PATH"],
        "VIGIL_REDIS_URL": url,
        "VIGIL_EGRESS": "private",
        **worker_environment(REGION),
        "VIGIL_JOURNAL": str(folder / "journal.sqlite"),
    }
    with (folder / "worker.log").open("ab") as log:

        def start() -> subprocess.Popen[bytes]:
            argv = [sys.executable, "-m", "probes", "--region", REGION]
            started.append(subprocess.Popen(argv, env=settings, stdout=log, stderr=log))
            return started[-1]

        try:
            yield start
        finally:
            for process in started:
                process.kill()
                process.wait()


def orders(port: int, at_ms: int) -> Batch:
    spec = msgspec.Raw(encode_spec(parse_spec("http", {"url": f"http://127.0.0.1:{port}/"})))
    checks = []
    for number in range(MONITORS):
        slot_ms = at_ms - at_ms % EVERY_MS + 1000 + number * EVERY_MS // MONITORS
        checks.append(
            Check(1, f"mon_{number}", "http", slot_ms, slot_ms + EVERY_MS, 5000, spec, every_ms=EVERY_MS, revision=1)
        )
    return Batch(1, REGION, Lane.SCHEDULED, checks)


def asked_for(target: Target, checks: int) -> bool:
    return len(target.asked_s) >= checks


def stored(client: redis.Redis) -> list[Result]:
    found = entries(client, keys.results(REGION))
    return [result for _, entry in found for result in wire.decode_results(entry[keys.BODY])]


@pytest.mark.timeout(300)
def test_a_region_cut_from_the_control_plane_keeps_its_slots_and_brings_them_afterwards(
    broker: tuple[LocalRedis, Start], target: Target, tmp_path: Path
) -> None:
    server, start_redis = broker
    first_redis = start_redis()
    with redis.Redis.from_url(server.url) as client, worker(server.url, tmp_path) as start_worker:
        process = start_worker()
        until(lambda: bool(client.exists(keys.status(REGION))), within_s=30)
        queues = RegionQueues(server.url, control_signer())
        # Orders come until the worker has kept them on its disk, which it does every 15 s.
        for second in range(1, 21):
            queues.send(orders(target.port, int(time.time() * 1000)), 30)
            pass_mark_on(client, REGION, "dispatch")
            until(partial(asked_for, target, second * MONITORS), within_s=10)
        queues.close()
        first_redis.kill()
        first_redis.wait()

        until(lambda: target.asked_within(0.9) == 0, within_s=30)
        until(lambda: target.asked_within(2.0) >= 2 * MONITORS * 0.95, within_s=60)
        process.kill()
        process.wait()
        until(lambda: target.asked_within(0.9) == 0, within_s=30)
        start_worker()
        until(lambda: target.asked_within(2.0) >= 2 * MONITORS * 0.95, within_s=60)
        restarted_ms = int(time.time() * 1000)
        before = len(target.asked_s)
        until(lambda: len(target.asked_s) >= before + 10 * MONITORS, within_s=60)

        start_redis()
        until(lambda: bool(client.exists(keys.status(REGION))), within_s=30)
        until(lambda: len({one.at_ms for one in stored(client)}) >= 12 * MONITORS, within_s=60)
        span = range(restarted_ms, restarted_ms + 9 * EVERY_MS)
        kept = {(one.monitor, one.at_ms) for one in stored(client) if one.at_ms in span}
        assert len(kept) >= 9 * MONITORS * 0.95

        # A dispatcher is heard again, and has no orders.
        pass_mark_on(client, REGION, "dispatch")
        time_of_word = time.monotonic()

        def word_is_spread() -> bool:
            pass_mark_on(client, REGION, "dispatch")
            return target.asked_within(1.5) == 0

        until(word_is_spread, within_s=40)
        assert time.monotonic() - time_of_word < 40
    log = (tmp_path / "worker.log").read_text()
    assert "worker.begins_alone" in log and "region.follows" in log
    assert "not-a-secret" not in log

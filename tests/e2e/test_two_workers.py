"""Two workers of one region share its work without looking twice, also while they are alone; either takes all."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis

from probes import keys, wire
from probes.probers import encode_spec, parse_spec
from probes.queue.sender import RegionQueues
from probes.signing.envelope import Envelope, read_envelope
from probes.wire import Batch, Check, Lane
from probes.worker.autonomy import _BESIDE_S, ALONE_AFTER_S
from probes.worker.status import INTERVAL_S
from tests.e2e.test_alone import Target
from tests.signed import control_signer, pass_mark_on, worker_environment
from tests.streams import entries
from tests.waiting import until
from vigil.local.servers.redis import LocalRedis, running

REGION = "eu-west"
EVERY_MS = 12_000
#: Slots are in the first four seconds of a cycle, a batch a second; the last five before a silence have none. Their
#: number is even: the queue serves the workers in turn, so that each gets the same monitors in every cycle.
BATCHES, EACH = 4, 5
MONITORS = {f"mon_{number}" for number in range(BATCHES * EACH)}
Workers = dict[str, subprocess.Popen[bytes]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalRedis]:
    with running(tmp_path, "not-a-secret", tmp_path / "redis.log") as server:
        yield server


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.server.shutdown()
    target.server.server_close()


@contextlib.contextmanager
def workers(url: str, folder: Path) -> Iterator[Workers]:
    """Two workers that run from one identity, each with its own local store."""
    started: Workers = {}
    shared = {"PATH": os.environ["PATH"], "VIGIL_REDIS_URL": url, "VIGIL_EGRESS": "private"}
    with contextlib.ExitStack() as stack:
        try:
            for name in ("first", "second"):
                own = {**worker_environment(REGION), "VIGIL_JOURNAL": str(folder / f"{name}.sqlite")}
                log = stack.enter_context((folder / f"{name}.log").open("wb"))
                argv = [sys.executable, "-m", "probes", "--region", REGION]
                started[name] = subprocess.Popen(argv, env=shared | own, stdout=log, stderr=log)
            yield started
        finally:
            for process in started.values():
                process.kill()
                process.wait()


class Dispatcher:
    """Orders every monitor once a cycle, and says that it lives."""

    def __init__(self, client: redis.Redis, url: str, port: int) -> None:
        self._client, self._queues = client, RegionQueues(url, control_signer())
        self._spec = msgspec.Raw(encode_spec(parse_spec("http", {"url": f"http://127.0.0.1:{port}/"})))
        self.heard_ms = 0

    def cycle(self, begin_ms: int) -> None:
        for second in range(EVERY_MS // 1000 - 1):
            wait_until(begin_ms + second * 1000)
            pass_mark_on(self._client, REGION, "dispatch")
            self.heard_ms = now_ms()
            if second < BATCHES:
                self._queues.send(Batch(1, REGION, Lane.SCHEDULED, self._checks(begin_ms, second)), 30)

    def until_both_work(self) -> set[bytes]:
        """Order single checks until each worker has made one, and all are made; returns the two senders."""
        begun_ms, sent = now_ms(), 0

        def made() -> dict[bytes, Counter[tuple[str, int]]]:
            return looks(self._client, begun_ms, now_ms())

        def both_work() -> bool:
            nonlocal sent
            self._queues.send(Batch(1, REGION, Lane.SCHEDULED, [self._check("mon_once", now_ms(), 0)]), 30)
            sent += 1
            wait_until(now_ms() + 200)
            return len(made()) == 2

        until(both_work, "work for both", 90)
        until(lambda: sum(made().values(), Counter[tuple[str, int]]()).total() == sent, "all that was ordered", 60)
        return set(made())

    def close(self) -> None:
        self._queues.close()

    def _checks(self, begin_ms: int, second: int) -> list[Check]:
        slots = [(second * EACH + place, begin_ms + second * 1000 + 300 + place * 150) for place in range(EACH)]
        return [self._check(f"mon_{number}", at_ms, EVERY_MS) for number, at_ms in slots]

    def _check(self, monitor: str, at_ms: int, every_ms: int) -> Check:
        return Check(1, monitor, "http", at_ms, at_ms + EVERY_MS, 5000, self._spec, every_ms=every_ms, revision=1)


def now_ms() -> int:
    return int(time.time() * 1000)


def wait_until(moment_ms: int) -> None:
    until(lambda: now_ms() >= moment_ms, "the next second", 30)


def looks(client: redis.Redis, since_ms: int, before_ms: int) -> dict[bytes, Counter[tuple[str, int]]]:
    """Looks at slots of a span by the process that made them: what a region writes names its sender."""
    found: dict[bytes, Counter[tuple[str, int]]] = {}
    for _, entry in entries(client, keys.results(REGION)):
        envelope = read_envelope(entry[keys.ENVELOPE])
        assert isinstance(envelope, Envelope)
        of_sender = found.setdefault(envelope.sender, Counter())
        of_sender.update(
            (one.monitor, one.at_ms)
            for one in wire.decode_results(entry[keys.BODY])
            if since_ms <= one.at_ms < before_ms
        )
    return {sender: counted for sender, counted in found.items() if counted}


def repeated(log: Path) -> int:
    """How many monitors a worker goes on with by itself, as it says."""
    return int(re.findall(rb"event=region.alone monitors=(\d+)", log.read_bytes())[-1])


def assert_each_once(found: dict[bytes, Counter[tuple[str, int]]], cycles: int) -> None:
    together = sum(found.values(), Counter[tuple[str, int]]())
    assert set(together.values()) == {1}, [slot for slot, times in together.items() if times > 1]
    assert Counter(monitor for monitor, _ in together) == dict.fromkeys(MONITORS, cycles)


@pytest.mark.timeout(400)
def test_two_workers_look_once_at_each_slot_and_the_one_that_is_left_takes_all(
    server: LocalRedis, target: Target, tmp_path: Path
) -> None:
    with redis.Redis.from_url(server.url) as client, workers(server.url, tmp_path) as both:
        logs = {name: tmp_path / f"{name}.log" for name in both}
        until(lambda: all(b"worker.ready" in log.read_bytes() for log in logs.values()), "both workers", 60)
        dispatcher = Dispatcher(client, server.url, target.port)
        senders = dispatcher.until_both_work()
        begun_ms = now_ms() - now_ms() % 1000 + 2000
        wait_until(begun_ms - 500)
        asked = len(target.asked_s)
        for cycle in range(3):
            dispatcher.cycle(begun_ms + cycle * EVERY_MS)
        dispatcher.close()
        silent_ms = begun_ms + 3 * EVERY_MS
        wait_until(silent_ms)
        followed = looks(client, begun_ms, silent_ms)
        assert_each_once(followed, 3)
        assert len(target.asked_s) - asked == 3 * len(MONITORS), "and the target was asked no more often"

        # Alone: from the first whole cycle after both have noticed.
        first = silent_ms + (int(ALONE_AFTER_S * 1000) // EVERY_MS + 1) * EVERY_MS
        until(lambda: now_ms() >= first + 2 * EVERY_MS - 1_000, "two cycles alone", 90)
        assert all(b"region.alone" in log.read_bytes() and b"shared=true" in log.read_bytes() for log in logs.values())
        until(
            lambda: len(sum(looks(client, first, first + 2 * EVERY_MS).values(), Counter())) >= 2 * len(MONITORS),
            within_s=60,
        )
        alone = looks(client, first, first + 2 * EVERY_MS)
        assert_each_once(alone, 2)

        busier = max(both, key=lambda name: repeated(logs[name]))
        both[busier].kill()
        both[busier].wait()
        killed_ms, bound_ms = now_ms(), int((_BESIDE_S + 2 * INTERVAL_S) * 1000)

        def all_taken() -> bool:
            seen = looks(client, killed_ms, now_ms())
            recent = {monitor for counted in seen.values() for monitor, at_ms in counted if at_ms > now_ms() - EVERY_MS}
            return recent == MONITORS

        until(all_taken, "the other to take all", (bound_ms + 4 * EVERY_MS) / 1000)
        after = looks(client, killed_ms + 1_000, now_ms() + EVERY_MS)
        assert len(after) == 1 and set(after) < senders, "by the one that is left"
        assert set(sum(after.values(), Counter()).values()) == {1}

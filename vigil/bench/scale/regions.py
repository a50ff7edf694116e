"""Simulated region workers: real queues, messages and publisher, but answers from memory.

Run as `python -m vigil.bench.scale.regions [--replay FOLDER] REGION...`. Measurements are in Redis under `REPORT`,
every second. In a replay scheduled results come from a recording in that folder, and only rounds are answered from
memory; batches of scheduled checks are dropped unread.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import msgspec
import redis.asyncio
import uvloop

from probes import keys, wire
from probes.results.forwarder import Forwarder
from probes.results.local_store import LocalStore
from probes.results.publisher import Publisher
from probes.results.signed_link import SignedLink
from probes.signing.envelope import split_value
from probes.signing.region_keyring import STATUS_LIFE_S
from probes.wire import WIRE_VERSION, Check, Lane, RegionStatus, Result
from vigil.bench.region_keys import simulated_signer
from vigil.bench.scale.answers import Answers
from vigil.bench.scale.playback import play

#: Measurements as JSON, and the set of monitors whose targets are down.
REPORT = "bench:regions"
SICK = "bench:sick"

TICK_S = 0.01
BEAT_S = 5.0
#: Larger lags count as this many ms.
LAG_MOST_MS = 10_000
#: How often the queues of a replay are emptied (s).
DRAIN_S = 0.25


class SimulatedRegions:
    """All regions on one loop: take batches from queues and answer each check at its slot."""

    def __init__(self, url: str, regions: Sequence[str], replay: Path | None = None) -> None:
        self._redis = redis.asyncio.Redis.from_url(url)
        self._taking = redis.asyncio.Redis.from_url(url)
        self._replay = replay
        self._queues = _queues(regions, Lane.CONFIRM)
        self._drained = list(_queues(regions, Lane.SCHEDULED)) if replay else []
        if not replay:
            self._queues |= _queues(regions, Lane.SCHEDULED)
        self._signers = {region: simulated_signer(region, lambda: int(time.time() * 1000)) for region in regions}
        self._publishers = {region: Publisher(self._redis, region, self._forwarder(region)) for region in regions}
        self._answers = Answers(seed=1)
        self._due: defaultdict[int, list[tuple[Publisher, Check]]] = defaultdict(list)
        self._answered: defaultdict[int, list[tuple[Publisher, Result]]] = defaultdict(list)
        self._lags: defaultdict[int, int] = defaultdict(int)
        self._taken: defaultdict[int, int] = defaultdict(int)
        self._confirmed = 0
        self._batches = 0

    def _forwarder(self, region: str) -> Forwarder:
        link = SignedLink(region, self._signers[region], lambda _, value: split_value(value)[1])
        return Forwarder(self._redis, link, LocalStore(None))

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for publisher in self._publishers.values():
                tasks.create_task(publisher.run())
            for work in (self._take(), self._tick(), self._report()):
                tasks.create_task(work)
            if self._replay is not None:
                tasks.create_task(self._drain())
                tasks.create_task(play(self._taking, self._replay, self._note_sent))

    async def _take(self) -> None:
        while True:
            found = await self._taking.brpop(list(self._queues), timeout=1)  # type: ignore[misc]  # redis-py's types
            if found is None:
                continue
            queue, envelope = cast(tuple[bytes, bytes], found)
            publisher = self._publishers[self._queues[queue]]
            batch = wire.decode_batch(_payload(envelope))
            for check in batch.checks:
                self._due[int(check.at_ms / 1000 / TICK_S)].append((publisher, check))
            if batch.lane is Lane.SCHEDULED:
                for check in batch.checks:
                    self._taken[check.at_ms // 1000] += 1

    async def _drain(self) -> None:
        """Drop what is ordered of the schedule: it has its results already."""
        while True:
            pipe = self._redis.pipeline(transaction=False)
            for queue in self._drained:
                pipe.llen(queue)
                pipe.unlink(queue)
            self._batches += sum((await pipe.execute())[::2])
            await asyncio.sleep(DRAIN_S)

    def _note_sent(self, late_ms: int, results: int) -> None:
        self._lags[min(LAG_MOST_MS, late_ms)] += results

    async def _tick(self) -> None:
        while True:
            now_s = time.time()
            now_ms, tick = int(now_s * 1000), int(now_s / TICK_S)
            for due in sorted(place for place in self._due if place < tick):
                for publisher, check in self._due.pop(due):
                    self._start(publisher, check, now_ms)
            for due in sorted(place for place in self._answered if place < tick):
                for publisher, result in self._answered.pop(due):
                    publisher.publish(result)
            await asyncio.sleep(TICK_S - time.time() % TICK_S)

    def _start(self, publisher: Publisher, check: Check, now_ms: int) -> None:
        """Choose the answer, and publish it after its latency."""
        result = self._answers.of(check, now_ms)
        ended_s = result.started_ms / 1000 + result.phases.total_us / 1e6
        self._answered[int(ended_s / TICK_S)].append((publisher, result))
        if check.round:
            self._confirmed += 1
        else:
            self._lags[min(LAG_MOST_MS, max(0, now_ms - check.at_ms))] += 1

    async def _report(self) -> None:
        beaten_s = 0.0
        while True:
            if time.monotonic() - beaten_s > BEAT_S:
                beaten_s = time.monotonic()
                now_ms = int(time.time() * 1000)
                status = wire.encode(RegionStatus(WIRE_VERSION, now_ms, 0, 0, 0, now_ms, "bench", "bench"))
                for region, signer in self._signers.items():
                    name = keys.status(region)
                    value = signer.sign(name, status, STATUS_LIFE_S) + status
                    await self._redis.set(name, value, ex=keys.STATUS_TTL_S)
            members = cast(set[bytes], await self._redis.smembers(SICK))  # type: ignore[misc]  # redis-py's types
            self._answers.down = frozenset(member.decode() for member in members)
            counts = {"lags": self._lags, "taken": self._taken, "confirmed": self._confirmed, "batches": self._batches}
            report = {**counts, "at_s": time.monotonic()}
            await self._redis.set(REPORT, json.dumps(report))
            await asyncio.sleep(1)


def _queues(regions: Sequence[str], lane: Lane) -> dict[bytes, str]:
    return {f"{keys.celery_prefix(region)}{keys.queue(region, lane)}".encode(): region for region in regions}


def _payload(envelope: bytes) -> bytes:
    """Decode a batch: a Celery message as JSON, base64 body, MessagePack (args, kwargs, embed)."""
    body = base64.b64decode(json.loads(envelope)["body"])
    payload = msgspec.msgpack.decode(body)[0][0]
    assert isinstance(payload, bytes)
    return payload


def main(words: Sequence[str]) -> int:
    replay, regions = (Path(words[1]), words[2:]) if words[0] == "--replay" else (None, words)

    async def until_told() -> None:
        working = asyncio.ensure_future(SimulatedRegions(os.environ["VIGIL_REDIS_URL"], regions, replay).run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, working.cancel)
        await asyncio.wait({working})
        if not working.cancelled():
            working.result()

    uvloop.run(until_told())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

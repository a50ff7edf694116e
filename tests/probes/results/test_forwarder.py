"""Results are kept while Redis or the disk refuses them, and forwarded when it is back."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis
import redis.asyncio

from probes import keys, wire
from probes.results.local_store import LocalStore
from tests.probes.loopback import closed_port
from tests.probes.results.forwarding import Broker, forwarding, result, slots_on
from tests.probes.worker.region_process import REGION
from tests.probes.worker.test_service import own_redis
from tests.streams import entries, entries_async
from tests.waiting import until_async

__all__ = ["own_redis"]


def test_what_comes_while_redis_is_away_is_written_when_it_is_back_the_newest_first(
    on_loop: Any, own_redis: Broker, tmp_path: Path
) -> None:
    server, start = own_redis
    results = 12_000

    async def story() -> None:
        store = LocalStore(tmp_path / "store.sqlite")
        async with forwarding(server.url, store) as (_, publisher, forwarder):
            for number in range(results):
                publisher.publish(result(number))
            await until_async(lambda: store.unsent == results)
            publisher.publish(result(results))
            await asyncio.to_thread(start)
            await until_async(lambda: publisher.waiting == 0)
            assert forwarder.dropped == 0

    on_loop(story())
    with redis.Redis.from_url(server.url) as client:
        batches = [wire.decode_results(fields[keys.BODY]) for _, fields in entries(client, keys.results(REGION))]
        late = [batch[0].at_ms for batch in batches if batch[0].at_ms < results - 1_000]
        assert late == sorted(late, reverse=True)
        assert {one.at_ms for batch in batches for one in batch} == set(range(results + 1))
        assert client.hlen(keys.latest(REGION)) <= 2, "what is late is not shown as what was seen last"


def test_what_is_seen_now_does_not_hold_up_what_was_kept(on_loop: Any, redis_url: str) -> None:
    async def story() -> None:
        store = LocalStore(None)
        store.keep([(wire.encode([result(number)]), 1) for number in range(50)])
        async with forwarding(redis_url, store) as (_, publisher, _):
            number = 1_000
            deadline = time.monotonic() + 20
            while store.unsent and time.monotonic() < deadline:
                publisher.publish(result(number))
                number += 1
                await asyncio.sleep(0.005)
            assert not store.unsent

    on_loop(story())


def test_a_redis_that_takes_no_writes_is_away_and_ends_nothing(on_loop: Any, own_redis: Broker) -> None:
    server, start = own_redis
    start()

    async def story() -> set[int]:
        async with forwarding(server.url, LocalStore(None)) as (connection, publisher, _):
            with redis.Redis.from_url(server.url) as admin:
                admin.replicaof("127.0.0.1", closed_port())
                publisher.publish(result(1))
                await until_async(lambda: publisher.failures >= 3)
                publisher.publish(result(2))
                admin.replicaof("NO", "ONE")
            await until_async(lambda: publisher.waiting == 0)
            return await slots_on(connection)

    assert on_loop(story()) == {1, 2}


class Refusing(LocalStore):
    """A disk that is full: what is in the store can be read, and nothing changes."""

    refuses = True

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        with super()._guarded():
            changes = self._db.total_changes
            yield
            if self.refuses and self._db.total_changes != changes:
                raise sqlite3.OperationalError("database or disk is full")


def test_a_full_disk_holds_up_nothing_and_sends_nothing_twice(on_loop: Any, redis_url: str) -> None:
    async def story() -> list[int]:
        store = Refusing(None)
        store.refuses = False
        store.keep([(wire.encode([result(number)]), 1) for number in range(3)])
        store.refuses = True
        async with forwarding(redis_url, store) as (connection, _, forwarder):
            forwarder.keep([result(number) for number in range(3, 10)])
            await until_async(lambda: forwarder.kept == 3)
            asked = forwarder._settle_at_s
            await until_async(lambda: forwarder._settle_at_s > asked)
            store.refuses = False
            await until_async(lambda: forwarder.kept == 0)
            found = await entries_async(connection, keys.results(REGION))
            return [one.at_ms for _, fields in found for one in wire.decode_results(fields[keys.BODY])]

    assert sorted(on_loop(story())) == list(range(10))

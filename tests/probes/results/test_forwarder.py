"""What a region keeps until it is stored: through a Redis that is away, forgets, or refuses, and its own restarts."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import redis.asyncio

from probes import keys, wire
from probes.reasons import Reason, Status
from probes.results.forwarder import Forwarder
from probes.results.local_store import LocalStore
from probes.results.publisher import Publisher
from probes.wire import Phases, Result
from tests.probes.loopback import closed_port
from tests.probes.worker.test_service import REGION, own_redis
from tests.waiting import until_async
from vigil.local.redis import LocalRedis

__all__ = ["own_redis"]


def result(number: int) -> Result:
    return Result(1, f"mon_{number}", number, Status.UP, Reason.OK, number, Phases(), round="rnd")


Broker = tuple[LocalRedis, Callable[[], subprocess.Popen[bytes]]]


@contextlib.asynccontextmanager
async def keeping(url: str, journal: LocalStore) -> AsyncIterator[tuple[redis.asyncio.Redis, Publisher, Forwarder]]:
    """A publisher and a keeper at work."""
    connection = redis.asyncio.Redis.from_url(url, socket_connect_timeout=1)
    keeper = Forwarder(connection, REGION, journal)
    publisher = Publisher(connection, REGION, keeper)
    working = [asyncio.ensure_future(publisher.run()), asyncio.ensure_future(keeper.run())]
    try:
        yield connection, publisher, keeper
        assert not any(task.done() for task in working), "it ended by itself"
    finally:
        left = set(working)
        while left:
            # redis-py may swallow a cancellation while it connects.
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.2)
        await connection.aclose()


def test_what_comes_while_redis_is_away_is_written_when_it_is_back_the_newest_first(
    on_loop: Any, own_redis: Broker, tmp_path: Path
) -> None:
    server, start = own_redis
    results = 12_000

    async def story() -> None:
        journal = LocalStore(tmp_path / "journal.sqlite")
        async with keeping(server.url, journal) as (_, publisher, keeper):
            for number in range(results):
                publisher.publish(result(number))
            await until_async(lambda: journal.unsent == results)
            publisher.publish(result(results))
            await asyncio.to_thread(start)
            await until_async(lambda: publisher.waiting == 0)
            assert keeper.dropped == 0

    on_loop(story())
    with redis.Redis.from_url(server.url) as client:
        entries = [wire.decode_results(fields[keys.BODY]) for _, fields in client.xrange(keys.results(REGION))]
        late = [batch[0].at_ms for batch in entries if batch[0].at_ms < results - 1_000]
        assert late == sorted(late, reverse=True)
        assert {one.at_ms for batch in entries for one in batch} == set(range(results + 1))
        assert client.hlen(keys.latest(REGION)) <= 2, "what is late is not shown as what was seen last"


def test_what_is_seen_now_does_not_hold_up_what_was_kept(on_loop: Any, redis_url: str) -> None:
    async def story() -> None:
        journal = LocalStore(None)
        journal.keep([(wire.encode([result(number)]), 1) for number in range(50)])
        async with keeping(redis_url, journal) as (_, publisher, _):
            number = 1_000
            deadline = time.monotonic() + 20
            while journal.unsent and time.monotonic() < deadline:
                publisher.publish(result(number))
                number += 1
                await asyncio.sleep(0.005)
            assert not journal.unsent

    on_loop(story())


def test_what_redis_loses_before_it_is_stored_is_written_again(on_loop: Any, redis_url: str) -> None:
    async def story() -> list[set[int]]:
        async with keeping(redis_url, LocalStore(None)) as (connection, publisher, keeper):
            for number in range(5):
                publisher.publish(result(number))
                await publisher.flush(5)
            (_, _, third, *_) = [entry_id for entry_id, _ in await connection.xrange(keys.results(REGION))]
            await connection.set(keys.stored(REGION), third)
            await keeper.settle()
            there = [await slots_on(connection)]
            await connection.flushall()
            await keeper.settle()
            await until_async(lambda: publisher.waiting == 0)
            there.append(await slots_on(connection))
            await keeper.settle()
            await until_async(lambda: publisher.waiting == 0)
            there.append(await slots_on(connection))
            return there

    # The first three are stored. What is there is not written a second time.
    assert on_loop(story()) == [{0, 1, 2, 3, 4}, {3, 4}, {3, 4}]


def test_a_position_behind_a_loss_is_not_taken_for_what_was_lost(on_loop: Any, redis_url: str) -> None:
    async def story() -> set[int]:
        async with keeping(redis_url, LocalStore(None)) as (connection, publisher, keeper):
            for number in range(5):
                publisher.publish(result(number))
                await publisher.flush(5)
            await keeper.settle()
            await connection.flushall()
            publisher.publish(result(5))
            await publisher.flush(5)
            # The recorder goes on with what it finds, before the region has noticed anything.
            ((last, _),) = await connection.xrange(keys.results(REGION))
            await connection.set(keys.stored(REGION), last)
            await keeper.settle()
            await until_async(lambda: publisher.waiting == 0)
            return await slots_on(connection)

    assert on_loop(story()) == set(range(6))


def test_a_restart_of_redis_between_two_writes_is_noticed(on_loop: Any, own_redis: Broker) -> None:
    server, start = own_redis

    async def story() -> set[int]:
        process = await asyncio.to_thread(start)
        async with keeping(server.url, LocalStore(None)) as (connection, publisher, keeper):
            await keeper.settle()
            publisher.publish(result(0))
            await publisher.flush(5)
            # As if it had died before its last second was on the disk.
            ((first, _),) = await connection.xrange(keys.results(REGION))
            await connection.xdel(keys.results(REGION), first)
            process.terminate()
            await asyncio.to_thread(process.wait)
            await asyncio.to_thread(start)
            publisher.publish(result(1))
            await publisher.flush(5)
            ((second, _),) = await connection.xrange(keys.results(REGION))
            await connection.set(keys.stored(REGION), second)
            await keeper.settle()
            await until_async(lambda: publisher.waiting == 0)
            return await slots_on(connection)

    assert on_loop(story()) == {0, 1}


def test_many_results_that_redis_forgets_are_all_kept(on_loop: Any, redis_url: str) -> None:
    async def story() -> None:
        async with keeping(redis_url, LocalStore(None)) as (connection, publisher, keeper):
            await connection.set(keys.stored(REGION), "1-0")
            await keeper.settle()
            for number in range(30_000):
                publisher.publish(result(number))
                if number % 2_000 == 0:
                    await publisher.flush(10)
            await publisher.flush(10)
            await connection.flushall()
            await keeper.settle()
            await until_async(lambda: publisher.waiting == 0)
            assert await slots_on(connection) == set(range(30_000))
            assert keeper.dropped == 0

    on_loop(story())


def test_a_worker_that_was_restarted_sees_that_redis_lost_what_it_had_sent(
    on_loop: Any, redis_url: str, tmp_path: Path
) -> None:
    async def story() -> set[int]:
        journal = LocalStore(tmp_path / "journal.sqlite")
        async with keeping(redis_url, journal) as (_, publisher, keeper):
            for number in range(5):
                publisher.publish(result(number))
            await publisher.flush(5)
            await keeper.settle()
        await keeper.close()
        journal.close()
        journal = LocalStore(tmp_path / "journal.sqlite")
        async with keeping(redis_url, journal) as (connection, publisher, keeper):
            await keeper.settle()
            assert journal.unsent == 0, "Redis has them still"
            await connection.flushall()
            await connection.xadd(keys.results(REGION), {keys.BODY: wire.encode([result(9)])})
            await keeper.settle()
            await until_async(lambda: publisher.waiting == 0)
            return await slots_on(connection)

    assert on_loop(story()) == {0, 1, 2, 3, 4, 9}


def test_a_redis_that_takes_no_writes_is_away_and_ends_nothing(on_loop: Any, redis_url: str) -> None:
    async def story() -> set[int]:
        async with keeping(redis_url, LocalStore(None)) as (connection, publisher, _):
            with redis.Redis.from_url(redis_url) as admin:
                admin.replicaof("127.0.0.1", closed_port())
                publisher.publish(result(1))
                await until_async(lambda: publisher.failures >= 3)
                publisher.publish(result(2))
                admin.replicaof("NO", "ONE")
            await until_async(lambda: publisher.waiting == 0)
            return await slots_on(connection)

    assert on_loop(story()) == {1, 2}


class Refusing(LocalStore):
    """A disk that is full: what is in the journal can be read, and nothing changes."""

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
        journal = Refusing(None)
        journal.refuses = False
        journal.keep([(wire.encode([result(number)]), 1) for number in range(3)])
        journal.refuses = True
        async with keeping(redis_url, journal) as (connection, _, keeper):
            keeper.keep([result(number) for number in range(3, 10)])
            await until_async(lambda: keeper.kept == 3)
            asked = keeper._settle_at_s
            await until_async(lambda: keeper._settle_at_s > asked)
            journal.refuses = False
            await until_async(lambda: keeper.kept == 0)
            entries = await connection.xrange(keys.results(REGION))
            return [one.at_ms for _, fields in entries for one in wire.decode_results(fields[keys.BODY])]

    assert sorted(on_loop(story())) == list(range(10))


def test_without_a_recorder_what_is_trimmed_is_not_sent_again_and_again(on_loop: Any, redis_url: str) -> None:
    async def story() -> None:
        async with keeping(redis_url, LocalStore(None)) as (connection, publisher, keeper):
            for number in range(5):
                publisher.publish(result(number))
                await publisher.flush(5)
            await keeper.settle()
            await connection.xtrim(keys.results(REGION), maxlen=1, approximate=False)
            await keeper.settle()
            assert keeper.kept == 0
            assert await slots_on(connection) == {4}

    on_loop(story())


def test_a_redis_user_that_may_not_see_what_is_stored_is_no_reason_to_stop(on_loop: Any, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as admin:
        admin.acl_setuser("old", enabled=True, passwords=["+p"], categories=["+@all"], keys=[keys.results(REGION)])

    async def story() -> None:
        port = urlsplit(redis_url).port
        connection = redis.asyncio.Redis(port=port or 6379, username="old", password="p")
        await Forwarder(connection, REGION, LocalStore(None)).settle()
        await connection.aclose()

    on_loop(story())


@pytest.mark.parametrize("stored", ["9223372036854775808-0", "x", "", "-1-0", "5-99999999999999999999"])
def test_a_position_that_nobody_can_have_is_no_position(on_loop: Any, redis_url: str, stored: str) -> None:
    async def story() -> None:
        async with keeping(redis_url, LocalStore(None)) as (connection, publisher, keeper):
            await connection.xadd(keys.results(REGION), {keys.BODY: b""}, id="9223372036854775808-0")
            await connection.set(keys.stored(REGION), stored)
            publisher.publish(result(1))
            await publisher.flush(5)
            await keeper.settle()

    on_loop(story())


async def slots_on(connection: redis.asyncio.Redis) -> set[int]:
    entries = await connection.xrange(keys.results(REGION))
    return {one.at_ms for _, fields in entries for one in wire.decode_results(fields[keys.BODY])}

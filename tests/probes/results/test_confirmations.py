"""What Redis loses before the recorder has stored it is noticed, and sent again once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import redis.asyncio

from probes import keys, wire
from probes.results.forwarder import Forwarder
from probes.results.local_store import LocalStore
from tests.probes.results.forwarding import Broker, forwarding, result, slots_on, trusting_link
from tests.probes.worker.region_process import REGION
from tests.probes.worker.test_service import own_redis
from tests.streams import entries_async
from tests.waiting import until_async

__all__ = ["own_redis"]


def test_what_redis_loses_before_it_is_stored_is_written_again(on_loop: Any, redis_url: str) -> None:
    async def story() -> list[set[int]]:
        async with forwarding(redis_url, LocalStore(None)) as (connection, publisher, forwarder):
            for number in range(5):
                publisher.publish(result(number))
                await publisher.flush(5)
            (_, _, third, *_) = [entry_id for entry_id, _ in await entries_async(connection, keys.results(REGION))]
            await connection.set(keys.stored(REGION), third)
            await forwarder.settle()
            there = [await slots_on(connection)]
            await connection.flushdb()
            await forwarder.settle()
            await until_async(lambda: publisher.waiting == 0)
            there.append(await slots_on(connection))
            await forwarder.settle()
            await until_async(lambda: publisher.waiting == 0)
            there.append(await slots_on(connection))
            return there

    # The first three are stored. What is there is not written a second time.
    assert on_loop(story()) == [{0, 1, 2, 3, 4}, {3, 4}, {3, 4}]


def test_a_position_behind_a_loss_is_not_taken_for_what_was_lost(on_loop: Any, redis_url: str) -> None:
    async def story() -> set[int]:
        async with forwarding(redis_url, LocalStore(None)) as (connection, publisher, forwarder):
            for number in range(5):
                publisher.publish(result(number))
                await publisher.flush(5)
            await forwarder.settle()
            await connection.flushdb()
            publisher.publish(result(5))
            await publisher.flush(5)
            # The recorder goes on with what it finds, before the region has noticed anything.
            ((last, _),) = await entries_async(connection, keys.results(REGION))
            await connection.set(keys.stored(REGION), last)
            await forwarder.settle()
            await until_async(lambda: publisher.waiting == 0)
            return await slots_on(connection)

    assert on_loop(story()) == set(range(6))


def test_a_restart_of_redis_between_two_writes_is_noticed(on_loop: Any, own_redis: Broker) -> None:
    server, start = own_redis

    async def story() -> set[int]:
        process = await asyncio.to_thread(start)
        async with forwarding(server.url, LocalStore(None)) as (connection, publisher, forwarder):
            await forwarder.settle()
            publisher.publish(result(0))
            await publisher.flush(5)
            # As if it had died before its last second was on the disk.
            ((first, _),) = await entries_async(connection, keys.results(REGION))
            await connection.xdel(keys.results(REGION), first)
            process.terminate()
            await asyncio.to_thread(process.wait)
            await asyncio.to_thread(start)
            publisher.publish(result(1))
            await publisher.flush(5)
            ((second, _),) = await entries_async(connection, keys.results(REGION))
            await connection.set(keys.stored(REGION), second)
            await forwarder.settle()
            await until_async(lambda: publisher.waiting == 0)
            return await slots_on(connection)

    assert on_loop(story()) == {0, 1}


def test_a_worker_that_was_restarted_sees_that_redis_lost_what_it_had_sent(
    on_loop: Any, redis_url: str, tmp_path: Path
) -> None:
    async def story() -> set[int]:
        store = LocalStore(tmp_path / "store.sqlite")
        async with forwarding(redis_url, store) as (_, publisher, forwarder):
            for number in range(5):
                publisher.publish(result(number))
            await publisher.flush(5)
            await forwarder.settle()
        await forwarder.close()
        store.close()
        store = LocalStore(tmp_path / "store.sqlite")
        async with forwarding(redis_url, store) as (connection, publisher, forwarder):
            await forwarder.settle()
            assert store.unsent == 0, "Redis has them still"
            await connection.flushdb()
            await connection.xadd(keys.results(REGION), {keys.BODY: wire.encode([result(9)])})
            await forwarder.settle()
            await until_async(lambda: publisher.waiting == 0)
            return await slots_on(connection)

    assert on_loop(story()) == {0, 1, 2, 3, 4, 9}


def test_without_a_recorder_what_is_trimmed_is_not_sent_again_and_again(on_loop: Any, redis_url: str) -> None:
    async def story() -> None:
        async with forwarding(redis_url, LocalStore(None)) as (connection, publisher, forwarder):
            for number in range(5):
                publisher.publish(result(number))
                await publisher.flush(5)
            await forwarder.settle()
            await connection.xtrim(keys.results(REGION), maxlen=1, approximate=False)
            await forwarder.settle()
            assert forwarder.kept == 0
            assert await slots_on(connection) == {4}

    on_loop(story())


def test_a_redis_user_that_may_not_see_what_is_stored_is_no_reason_to_stop(on_loop: Any, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as admin:
        admin.acl_setuser("old", enabled=True, passwords=["+p"], categories=["+@all"], keys=[keys.results(REGION)])

    async def story() -> None:
        port = urlsplit(redis_url).port
        connection = redis.asyncio.Redis(port=port or 6379, username="old", password="p")
        await Forwarder(connection, trusting_link(), LocalStore(None)).settle()
        await connection.aclose()

    on_loop(story())


@pytest.mark.parametrize("stored", ["9223372036854775808-0", "x", "", "-1-0", "5-99999999999999999999"])
def test_a_position_that_nobody_can_have_is_no_position(on_loop: Any, redis_url: str, stored: str) -> None:
    async def story() -> None:
        async with forwarding(redis_url, LocalStore(None)) as (connection, publisher, forwarder):
            await connection.xadd(keys.results(REGION), {keys.BODY: b""}, id="9223372036854775808-0")
            await connection.set(keys.stored(REGION), stored)
            publisher.publish(result(1))
            await publisher.flush(5)
            await forwarder.settle()

    on_loop(story())


def test_many_results_that_redis_forgets_are_all_kept(on_loop: Any, redis_url: str) -> None:
    async def story() -> None:
        async with forwarding(redis_url, LocalStore(None)) as (connection, publisher, forwarder):
            await connection.set(keys.stored(REGION), "1-0")
            await forwarder.settle()
            for number in range(12_000):
                publisher.publish(result(number))
                if number % 2_000 == 0:
                    await publisher.flush(10)
            await publisher.flush(10)
            await connection.flushdb()
            await forwarder.settle()
            await until_async(lambda: publisher.waiting == 0)
            assert await slots_on(connection) == set(range(12_000))
            assert forwarder.dropped == 0

    on_loop(story())

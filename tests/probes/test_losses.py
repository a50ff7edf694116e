"""What Redis loses of a region's results before they are stored: it is seen, and written again."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from typing import Any

import redis.asyncio

from probes import keys, wire
from probes.journal import Journal
from probes.publisher import Publisher
from tests.probes.test_resilience import result, until
from tests.probes.test_worker import REGION, own_redis
from vigil.local.redis import LocalRedis

__all__ = ["own_redis"]


def test_what_redis_loses_before_it_is_stored_is_written_again(on_loop: Any, redis_url: str) -> None:
    async def story() -> list[set[int]]:
        connection = redis.asyncio.Redis.from_url(redis_url)
        publisher = Publisher(connection, REGION, Journal(None))
        writing = asyncio.ensure_future(publisher.run())
        await publisher.settle()
        for number in range(5):
            publisher.publish(result(number))
            await publisher.flush(5)
        (_, _, third, *_) = [entry_id for entry_id, _ in await connection.xrange(keys.results(REGION))]
        await connection.set(keys.stored(REGION), third)
        await publisher.settle()
        there = [await slots_on(connection)]
        await connection.flushall()
        await publisher.settle()
        await until(lambda: publisher.waiting == 0)
        there.append(await slots_on(connection))
        await publisher.settle()
        there.append(await slots_on(connection))
        writing.cancel()
        await connection.aclose()
        return there

    # The first three are stored. What is there is not written a second time.
    assert on_loop(story()) == [{0, 1, 2, 3, 4}, {3, 4}, {3, 4}]


def test_what_redis_lost_is_written_again_also_where_the_recorder_went_on_behind_it(
    on_loop: Any, redis_url: str
) -> None:
    async def story() -> set[int]:
        connection = redis.asyncio.Redis.from_url(redis_url)
        publisher = Publisher(connection, REGION, Journal(None))
        writing = asyncio.ensure_future(publisher.run())
        await publisher.settle()
        publisher.publish(result(0))
        await publisher.flush(5)
        await connection.flushall()
        publisher.publish(result(1))
        await publisher.flush(5)
        ((second, _),) = await connection.xrange(keys.results(REGION))
        await connection.set(keys.stored(REGION), second)
        await publisher.settle()
        await until(lambda: publisher.waiting == 0)
        there = await slots_on(connection)
        writing.cancel()
        await connection.aclose()
        return there

    assert on_loop(story()) == {0, 1}


def test_a_restart_of_redis_between_two_writes_is_noticed(
    on_loop: Any, own_redis: tuple[LocalRedis, Callable[[], subprocess.Popen[bytes]]]
) -> None:
    server, start = own_redis

    async def story() -> set[int]:
        process = await asyncio.to_thread(start)
        connection = redis.asyncio.Redis.from_url(server.url)
        publisher = Publisher(connection, REGION, Journal(None))
        writing = asyncio.ensure_future(publisher.run())
        await publisher.settle()
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
        await publisher.settle()
        await until(lambda: publisher.waiting == 0)
        there = await slots_on(connection)
        writing.cancel()
        await connection.aclose()
        return there

    assert on_loop(story()) == {0, 1}


async def slots_on(connection: redis.asyncio.Redis) -> set[int]:
    entries = await connection.xrange(keys.results(REGION))
    return {one.at_ms for _, fields in entries for one in wire.decode_results(fields[keys.BODY])}

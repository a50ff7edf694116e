"""A publisher and a forwarder at work on a loop, and what they have written."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Callable

import redis
import redis.asyncio

from probes import keys, wire
from probes.reasons import Reason, Status
from probes.results.forwarder import Forwarder
from probes.results.local_store import LocalStore
from probes.results.publisher import Publisher
from probes.results.signed_link import SignedLink
from probes.wire import Phases, Result
from tests.probes.worker.region_process import REGION
from tests.signed import now_ms
from tests.streams import entries_async
from vigil.bench.region_keys import simulated_signer
from vigil.local.servers.redis import LocalRedis


def result(number: int) -> Result:
    return Result(1, f"mon_{number}", number, Status.UP, Reason.OK, number, Phases(), round="rnd")


def trusting_link() -> SignedLink:
    """A link that believes whatever is written in the control plane's place."""
    return SignedLink(REGION, simulated_signer(REGION, now_ms), lambda _, value: value)


Broker = tuple[LocalRedis, Callable[[], subprocess.Popen[bytes]]]


@contextlib.asynccontextmanager
async def forwarding(url: str, store: LocalStore) -> AsyncIterator[tuple[redis.asyncio.Redis, Publisher, Forwarder]]:
    """A publisher and a forwarder at work."""
    connection = redis.asyncio.Redis.from_url(url, socket_connect_timeout=1)
    forwarder = Forwarder(connection, trusting_link(), store)
    publisher = Publisher(connection, REGION, forwarder)
    working = [asyncio.ensure_future(publisher.run()), asyncio.ensure_future(forwarder.run())]
    try:
        yield connection, publisher, forwarder
        assert not any(task.done() for task in working), "it ended by itself"
    finally:
        left = set(working)
        while left:
            # redis-py may swallow a cancellation while it connects.
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.2)
        await connection.aclose()


async def slots_on(connection: redis.asyncio.Redis) -> set[int]:
    found = await entries_async(connection, keys.results(REGION))
    return {one.at_ms for _, fields in found for one in wire.decode_results(fields[keys.BODY])}

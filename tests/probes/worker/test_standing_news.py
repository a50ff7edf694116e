"""What two workers of one region tell each other of their orders, over a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest
import redis.asyncio

from probes import keys
from probes.checks.admission import Bounds
from probes.checks.runner import Runner
from probes.results.local_store import LocalStore
from probes.signing.envelope import SENDER_BYTES
from probes.signing.private_keys import region_signing_key
from probes.signing.signatures import Signer
from probes.wire import Batch, Check, Lane
from probes.worker.autonomy import Autonomy
from probes.worker.standing_news import NewsExchange
from tests.probes.loopback import way_out
from tests.signed import now_ms
from vigil.bench.region_keys import simulated_secret

REGION, PLACE = "eu-west", keys.standing("eu-west")
Story = Callable[[Coroutine[Any, Any, None]], None]


class Worker:
    """The part of a worker that knows orders, and tells them."""

    def __init__(self, client: redis.asyncio.Redis, runner: Runner, sender: int, region: str = REGION) -> None:
        self._client, self._runner = client, runner
        key = region_signing_key(simulated_secret(region))
        self.autonomy = Autonomy(REGION, runner, LocalStore(None))
        self._exchange = NewsExchange(
            client, REGION, Signer(key, bytes([sender] * SENDER_BYTES), now_ms), key.public, self.autonomy
        )

    def order(self, monitor: str) -> None:
        at_ms = self._runner.now_ms()
        check = Check(1, monitor, "none", at_ms, at_ms + 100, 1_000, msgspec.Raw(b"\x80"), every_ms=60_000)
        self.autonomy.ordered(Batch(1, REGION, Lane.SCHEDULED, [check]))

    async def report(self, beside: bool = True) -> None:
        self.autonomy.reported(beside)
        await self._exchange.turn(now_ms())

    @property
    def known(self) -> set[str]:
        return {check.monitor for check in self.autonomy._standing.take_changed()}


@asynccontextmanager
async def workers(url: str) -> AsyncIterator[Callable[..., Worker]]:
    async with AsyncExitStack() as stack:
        dialer = await stack.enter_async_context(way_out())
        client = await stack.enter_async_context(redis.asyncio.Redis.from_url(url))
        yield lambda sender, region=REGION: Worker(
            client, Runner(dialer, None, lambda _: None, Bounds()), sender, region
        )


def test_each_learns_what_the_other_was_ordered(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make:
            first, second = make(1), make(2)
            first.order("mon_a")
            second.order("mon_b")
            for worker in (first, second, first):
                await worker.report()
            assert first.known == second.known == {"mon_a", "mon_b"}

    on_loop(story())


def test_news_that_nobody_took_are_told_with_the_next(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make:
            first, second = make(1), make(2)
            for monitor in ("mon_a", "mon_b", "mon_c"):
                first.order(monitor)
                await first.report()
            for worker in (second, first, second):
                await worker.report()
            assert second.known == {"mon_a", "mon_b", "mon_c"}

    on_loop(story())


def test_a_worker_by_itself_tells_nothing(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make:
            alone = make(1)
            alone.order("mon_a")
            await alone.report(beside=False)
            async with redis.asyncio.Redis.from_url(redis_url) as client:
                assert await client.exists(PLACE) == 0

    on_loop(story())


@pytest.mark.parametrize("forged", [b"", b"\x01" * 300, b"not news"])
def test_what_no_worker_of_the_region_signed_is_not_learned(on_loop: Story, redis_url: str, forged: bytes) -> None:
    async def story() -> None:
        async with workers(redis_url) as make, redis.asyncio.Redis.from_url(redis_url) as client:
            stranger, worker = make(1, "us-east"), make(2)
            stranger.order("mon_a")
            worker.order("mon_b")
            await stranger.report()
            await worker.report()
            await client.set(PLACE, forged)
            await worker.report()
            assert worker.known == {"mon_b"}

    on_loop(story())


def test_a_region_that_is_dismissed_learns_nothing(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make:
            first, second = make(1), make(2)
            first.order("mon_a")
            second.autonomy.listen(None, dismissed=True)
            await first.report()
            await second.report()
            assert second.known == set()

    on_loop(story())


def test_what_could_not_be_told_for_want_of_redis_is_told_later(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make, redis.asyncio.Redis.from_url(redis_url) as client:
            first, second = make(1), make(2)
            first.order("mon_a")
            await client.lpush(PLACE, "of another kind")
            with pytest.raises(redis.exceptions.ResponseError, match="WRONGTYPE"):
                await first.report()
            await client.delete(PLACE)
            await first.report()
            await second.report()
            assert second.known == {"mon_a"}

    on_loop(story())

"""What two workers of one region tell each other of their orders, over a real Redis."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest
import redis.asyncio
from structlog.testing import capture_logs

from probes import keys, wire
from probes.checks.admission import Bounds
from probes.checks.runner import Runner
from probes.results.local_store import LocalStore
from probes.signing.envelope import SENDER_BYTES
from probes.signing.private_keys import control_signing_key, region_signing_key
from probes.signing.signatures import Signer
from probes.wire import NEWS_BATCHES_MOST, Batch, Check, Lane, SignedBatch, StandingNews
from probes.worker.autonomy import Autonomy
from probes.worker.orders import OrderAdmission
from probes.worker.standing_news import LIFE_S, NewsExchange, Untold, recent, split
from tests.probes.loopback import way_out
from tests.signed import control_public, control_signer, now_ms
from vigil.bench.region_keys import simulated_secret

REGION, PLACE = "eu-west", keys.standing("eu-west")
Story = Callable[[Coroutine[Any, Any, None]], None]


def batch_of(monitor: str, region: str = REGION, every_ms: int = 60_000) -> Batch:
    at_ms = now_ms()
    check = Check(1, monitor, "none", at_ms, at_ms + 100, 1_000, msgspec.Raw(b"\x80"), every_ms=every_ms)
    return Batch(1, region, Lane.SCHEDULED, [check])


def signed(batch: Batch, signer: Signer | None = None) -> SignedBatch:
    payload = wire.encode(batch)
    return SignedBatch(payload, (signer or control_signer()).sign(keys.orders(batch.region), payload, 60))


class Worker:
    """The part of a worker that knows orders, and tells them."""

    def __init__(self, client: redis.asyncio.Redis, runner: Runner, controls: tuple[bytes, ...], beside: bool) -> None:
        self.orders = OrderAdmission(REGION, controls, now_ms)
        self.autonomy = Autonomy(REGION, runner, LocalStore(None))
        self.exchange = NewsExchange(client, REGION, self.orders, self.autonomy)
        self.autonomy.reported(beside)

    def order(self, monitor: str, signer: Signer | None = None, every_ms: int = 60_000) -> None:
        batch = batch_of(monitor, every_ms=every_ms)
        self.autonomy.ordered(batch)
        self.exchange.note(batch, signed(batch, signer), now_ms())

    async def report(self, beside: bool = True) -> None:
        self.autonomy.reported(beside)
        await self.exchange.turn(now_ms())

    @property
    def known(self) -> set[str]:
        return {check.monitor for check in self.autonomy._standing.take_changed()}


@asynccontextmanager
async def workers(url: str) -> AsyncIterator[Callable[..., Worker]]:
    async with AsyncExitStack() as stack:
        dialer = await stack.enter_async_context(way_out())
        client = await stack.enter_async_context(redis.asyncio.Redis.from_url(url))

        def make(*controls: bytes, beside: bool = True) -> Worker:
            runner = Runner(dialer, None, lambda _: None, Bounds())
            return Worker(client, runner, controls or (control_public(),), beside)

        yield make


def test_each_learns_what_the_other_was_ordered(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make:
            first, second = make(), make()
            first.order("mon_a")
            second.order("mon_b")
            for worker in (first, second, first):
                await worker.report()
            assert first.known == second.known == {"mon_a", "mon_b"}
            assert first.autonomy._standing.others() == {"mon_b"}
            assert not first.orders.refused and not second.orders.refused

    on_loop(story())


def test_news_that_nobody_took_are_told_with_the_next(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make:
            first, second = make(), make()
            for monitor in ("mon_a", "mon_b", "mon_c"):
                first.order(monitor)
                await first.report()
            for worker in (second, first, second):
                await worker.report()
            assert second.known == {"mon_a", "mon_b", "mon_c"}

    on_loop(story())


def test_a_worker_by_itself_tells_nothing_and_keeps_nothing_to_tell(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make:
            alone = make(beside=False)
            alone.order("mon_a")
            assert alone.exchange._untold == []
            await alone.report(beside=False)
            async with redis.asyncio.Redis.from_url(redis_url) as client:
                assert await client.exists(PLACE) == 0

    on_loop(story())


@pytest.mark.parametrize("rubbish", [b"", b"\x01" * 300, b"not news"])
def test_what_is_no_news_is_not_learned(on_loop: Story, redis_url: str, rubbish: bytes) -> None:
    async def story() -> None:
        async with workers(redis_url) as make, redis.asyncio.Redis.from_url(redis_url) as client:
            worker = make()
            worker.order("mon_b")
            await worker.report()
            await client.set(PLACE, rubbish)
            await worker.report()
            assert worker.known == {"mon_b"}

    on_loop(story())


def test_who_stole_a_regions_identity_makes_no_worker_of_it_learn_a_check(on_loop: Story, redis_url: str) -> None:
    region = Signer(region_signing_key(simulated_secret(REGION)), bytes(SENDER_BYTES), now_ms)
    control_key = control_signing_key(os.environ["VIGIL_SEAL_KEYS"].split(",")[-1])
    hour_ago = Signer(control_key, bytes(SENDER_BYTES), lambda: now_ms() - 3_600_000)
    genuine = signed(batch_of("mon_altered"))
    evil = [
        signed(batch_of("mon_evil"), region),
        SignedBatch(genuine.payload.replace(b"altered", b"another"), genuine.envelope),
        signed(batch_of("mon_elsewhere", "us-east")),
        signed(batch_of("mon_hour_ago"), hour_ago),
        signed(batch_of("mon_real")),
    ]

    async def story() -> None:
        async with workers(redis_url) as make, redis.asyncio.Redis.from_url(redis_url) as client:
            worker = make()
            await client.set(PLACE, wire.encode(StandingNews(1, evil)))
            await worker.report()
            assert worker.known == {"mon_real"}
            assert worker.orders.refused == {"unknown_key": 1, "forged": 1, "wrong_place": 1}

    on_loop(story())


def test_a_batch_that_was_told_may_yet_come_from_the_queue(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make, redis.asyncio.Redis.from_url(redis_url) as client:
            worker, told = make(), signed(batch_of("mon_a"))
            await client.set(PLACE, wire.encode(StandingNews(1, [told])))
            await worker.report()
            assert worker.orders.admit(told.payload, told.envelope) is not None

    on_loop(story())


def test_while_the_control_planes_key_is_changed_the_batches_of_either_key_are_learned(
    on_loop: Story, redis_url: str
) -> None:
    other = control_signing_key(base64.urlsafe_b64encode(b"another key, not a secret at all").decode())

    async def story() -> None:
        async with workers(redis_url) as make:
            first, second = make(), make(control_public(), other.public)
            first.order("mon_a")
            first.order("mon_b", Signer(other, bytes(SENDER_BYTES), now_ms))
            await first.report()
            await second.report()
            assert second.known == {"mon_a", "mon_b"}

    on_loop(story())


def test_a_region_that_is_dismissed_learns_nothing(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make:
            first, second = make(), make()
            first.order("mon_a")
            second.autonomy.listen(None, dismissed=True)
            await first.report()
            await second.report()
            assert second.known == set()

    on_loop(story())


def test_what_could_not_be_told_for_want_of_redis_is_told_later(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make, redis.asyncio.Redis.from_url(redis_url) as client:
            first, second = make(), make()
            first.order("mon_a")
            await client.lpush(PLACE, "of another kind")
            with pytest.raises(redis.exceptions.ResponseError, match="WRONGTYPE"):
                await first.report()
            await client.delete(PLACE)
            await first.report()
            await second.report()
            assert second.known == {"mon_a"}

    on_loop(story())


def test_a_check_for_once_is_not_told(on_loop: Story, redis_url: str) -> None:
    async def story() -> None:
        async with workers(redis_url) as make:
            worker = make()
            worker.order("mon_once", every_ms=0)
            assert worker.exchange._untold == []

    on_loop(story())


def test_what_is_told_at_once_is_bounded_and_the_rest_waits() -> None:
    many = [Untold(place, SignedBatch(str(place).encode(), b"")) for place in range(NEWS_BATCHES_MOST + 5)]
    assert split(many) == (many[:-5], many[-5:])
    large = [Untold(place, SignedBatch(bytes(5 * 1024 * 1024), b"")) for place in range(5)]
    assert split(large) == (large[:3], large[3:])
    assert split(large[3:]) == (large[3:], [])


def test_what_waits_is_bounded_and_the_newest_stays() -> None:
    many = [Untold(place, SignedBatch(str(place).encode(), b"")) for place in range(2 * NEWS_BATCHES_MOST + 5)]
    assert recent(many, len(many)) == (many[5:], 5)
    large = [Untold(place, SignedBatch(bytes(5 * 1024 * 1024), b"")) for place in range(8)]
    assert recent(large, 5) == (large[2:], 2)
    huge = Untold(0, SignedBatch(bytes(17 * 1024 * 1024), b""))
    assert recent([*large[:1], huge, *large[:1]], 0) == (large[:1] * 2, 1), "it can never be told"
    assert recent(many[:2], LIFE_S * 1000 + 1) == (many[1:2], 0), "what is over is not missed"


def test_news_of_several_values_come_one_after_another_and_what_is_beyond_is_counted(
    on_loop: Story, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = Untold(0, signed(batch_of("mon_0"))).size
    monkeypatch.setattr("probes.worker.standing_news._TOLD_BYTES", 2 * size)

    async def story() -> None:
        async with workers(redis_url) as make:
            first, second = make(), make()
            for number in range(5):
                first.order(f"mon_{number}")
            with capture_logs() as logs:
                await first.report()
            assert [one["over_budget"] for one in logs] == [1]
            await second.report()
            assert second.known == {"mon_1", "mon_2"}
            for worker in (first, second):
                await worker.report()
            assert second.known == {"mon_3", "mon_4"}

    on_loop(story())

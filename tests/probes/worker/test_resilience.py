"""What a worker does when something under it fails: Redis away for long, a queue at a standstill, a bug of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import redis.asyncio
from msgspec import Raw

from probes import keys
from probes.prober import Observation
from probes.process.health import Health
from probes.process.key_repair import put_right
from probes.queue.sender import RegionQueues
from probes.reasons import Reason, Status
from probes.results.local_store import LocalStore
from probes.wire import Batch, Check, Lane
from probes.worker import queue_watch, status
from probes.worker.parts import build, shut_down
from probes.worker.queue_watch import ConsumerStuck, QueueWatch
from probes.worker.settings import read
from probes.worker.status import StatusReporter
from tests.probes.looking import looked
from tests.probes.loopback import OK, answering, closed_port, name_server, serving, way_out
from tests.probes.worker.region_process import REGION, worker
from tests.probes.worker.test_service import check, own_redis, queues, results_of
from tests.signed import worker_settings
from tests.waiting import until, until_async
from vigil.bench.soak.lossy_link import Loss, LossyLink
from vigil.local.servers.redis import LocalRedis

__all__ = ["own_redis"]


@contextlib.asynccontextmanager
async def reporting(url: str) -> AsyncIterator[tuple[StatusReporter, QueueWatch]]:
    connection = redis.asyncio.Redis.from_url(url)
    parts = await build(read({"region": REGION, "redis_url": url, **worker_settings(REGION)}), connection)
    try:
        yield StatusReporter(parts, Health("probe", 35)), parts.queue_watch
    finally:
        await parts.resolver.close()
        await connection.aclose()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Status reports, and the limit of a queue that stands still, a thousand times quicker."""
    monkeypatch.setattr(status, "INTERVAL_S", 0.01)
    monkeypatch.setattr(queue_watch, "STUCK_AFTER_S", 0.06)


def test_a_worker_that_is_alone_without_redis_ends_in_time_and_leaves_results_and_orders_on_the_disk(
    on_loop: Any, tmp_path: Path
) -> None:
    journal, url = tmp_path / "store.sqlite", f"redis://127.0.0.1:{closed_port()}/0"
    begun_ms = int(time.time() * 1000)
    # A slot every 50 ms, so that there is one ahead at any moment.
    orders = [
        Check(1, f"mon_{place}", "none", begun_ms + place * 50, begun_ms + 30_000, 1_000, Raw(b"\x80"), every_ms=1_000)
        for place in range(20)
    ]

    async def story() -> None:
        given = {"region": REGION, "redis_url": url, "journal": str(journal), **worker_settings(REGION)}
        parts = await build(read(given), redis.asyncio.Redis.from_url(url))
        parts.autonomy.ordered(Batch(1, REGION, Lane.SCHEDULED, orders))
        parts.autonomy.begin_alone()
        tasks: list[asyncio.Future[None]] = [asyncio.ensure_future(parts.autonomy.run())]
        await until_async(lambda: parts.runner.completed_ms, "the first check")
        async with asyncio.timeout(20):
            await shut_down(parts, tasks)

    on_loop(story())
    store = LocalStore(journal)
    assert {check.monitor for check in store.remembered().orders} == {check.monitor for check in orders}
    assert store.unsent > 0
    store.close()


def test_a_queue_from_which_nothing_is_taken_ends_the_worker(on_loop: Any, redis_url: str, hurried: None) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.rpush(keys.celery_prefix(REGION) + keys.queue(REGION, Lane.SCHEDULED), b"a batch")

    async def story() -> None:
        async with reporting(redis_url) as (reporter, _), asyncio.timeout(10):
            await reporter.run()

    with pytest.raises(ConsumerStuck, match="1 batches wait"):
        on_loop(story())


def test_a_queue_that_moves_or_is_empty_does_not(on_loop: Any, redis_url: str, hurried: None) -> None:
    async def story() -> None:
        async with reporting(redis_url) as (reporter, watch):
            reports = asyncio.ensure_future(reporter.run())
            await asyncio.wait((reports,), timeout=0.3)
            assert not reports.done()
            with redis.Redis.from_url(redis_url) as client:
                client.rpush(keys.celery_prefix(REGION) + keys.queue(REGION, Lane.CONFIRM), b"a batch")
            for _ in range(30):
                watch.moved()
                await asyncio.wait((reports,), timeout=0.01)
            assert not reports.done()
            reports.cancel()

    on_loop(story())


@pytest.mark.parametrize(("key", "kind"), keys.owned(REGION).items())
def test_p3_a_key_of_the_region_with_another_type_does_not_end_its_worker(
    key: str, kind: str, redis_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    with worker(redis_url, log) as process, redis.Redis.from_url(redis_url) as client:
        client.delete(key)
        client.hset(key, "a", "b") if kind != "hash" else client.set(key, "mine")
        with queues(redis_url) as region_queues:
            until(lambda: sent(region_queues, client, Batch(1, REGION, Lane.CONFIRM, [check(closed_port(), "mon_a")])))
            until(lambda: client.type(keys.results(REGION)) == b"stream", within_s=30)
        until(lambda: "mon_a" in {result.monitor for result in results_of(redis_url)}, within_s=30)
        assert process.poll() is None, log.read_text()


def sent(region_queues: RegionQueues, client: redis.Redis, batch: Batch) -> bool:
    """Send as dispatch does, which puts keys right."""
    try:
        region_queues.send(batch, 30)
    except redis.ResponseError as error:
        return not put_right(client, error)
    return True


def test_p3_a_stream_that_takes_no_more_entries_does_not_end_the_worker(redis_url: str, tmp_path: Path) -> None:
    last = "18446744073709551615-18446744073709551615"
    with worker(redis_url, tmp_path / "worker.log") as process, queues(redis_url) as region_queues:
        with redis.Redis.from_url(redis_url) as client:
            client.delete(keys.results(REGION))
            client.xadd(keys.results(REGION), {"x": ""}, id=last)
            region_queues.send(Batch(1, REGION, Lane.SCHEDULED, [check(closed_port(), "mon_a")]), 30)
            until(lambda: client.xrange(keys.results(REGION), max="9999999999999-0"), within_s=30)
        assert process.poll() is None


def test_a_worker_that_finds_itself_broken_ends_with_70_for_its_supervisor(
    own_redis: tuple[LocalRedis, Callable[[], object]], tmp_path: Path
) -> None:
    server, start = own_redis
    log = tmp_path / "worker.log"
    with (server.folder / "redis.conf").open("a") as configuration:
        configuration.write('rename-command XADD ""\n')
    start()
    with worker(server.url, log) as process, queues(server.url) as region_queues:
        region_queues.send(Batch(1, REGION, Lane.SCHEDULED, [check(closed_port(), "mon_a")]), 30)
        until(lambda: process.poll() is not None)
        assert process.returncode == 70
    assert "event=worker.broken" in log.read_text()


def test_an_address_that_swallows_everything_leaves_time_for_the_next(on_loop: Any) -> None:
    async def story() -> tuple[Observation, float]:
        async with serving(answering(OK)) as port:
            with swallowing("127.0.0.9", port):
                names = name_server({"two.example": ["127.0.0.9", "127.0.0.1"]})
                async with names as (server, _), way_out(nameservers=[server]) as dialer:
                    begun = time.monotonic()
                    seen = await looked("http", {"url": f"http://two.example:{port}/"}, dialer=dialer)
                    return seen, time.monotonic() - begun

    seen, took_s = on_loop(story())
    assert (seen.status, seen.facts["address"]) == (Status.UP, "127.0.0.1")
    assert 0.2 < took_s < 3


def test_when_every_address_swallows_everything_the_one_deadline_holds(on_loop: Any) -> None:
    async def story() -> Observation:
        port = closed_port()
        with swallowing("127.0.0.9", port), swallowing("127.0.0.8", port):
            names = name_server({"two.example": ["127.0.0.9", "127.0.0.8"]})
            async with names as (server, _), way_out(nameservers=[server]) as dialer:
                return await looked("tcp", {"host": "two.example", "port": port}, dialer=dialer, timeout_s=1.5)

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TIMEOUT)
    assert seen.detail == "no answer within 1.5 s, while connecting"
    assert seen.phases.total_us < 2_500_000


@contextlib.contextmanager
def swallowing(address: str, port: int) -> Iterator[None]:
    """A port whose queue of connections is full: what else comes is dropped without a word."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((address, port))
        yield


def test_a_worker_survives_a_link_that_loses_two_segments_of_five(redis_url: str, tmp_path: Path) -> None:
    port, log = urlsplit(redis_url).port or 0, tmp_path / "worker.log"

    async def story() -> None:
        link = LossyLink(port, Loss(0.0, seed=7))
        await link.open()
        with contextlib.ExitStack() as stack:
            through = redis_url.replace(f":{port}/", f":{link.port}/")
            process = await asyncio.to_thread(stack.enter_context, worker(through, log))
            link.loss = 0.4
            await until_async(lambda: link.lost >= 8 and link.resets >= 4, "losses and resets", 40)
            link.loss = 0.0
            with redis.Redis.from_url(redis_url) as client:
                client.delete(keys.status(REGION))
                await until_async(lambda: client.exists(keys.status(REGION)), "the next status", 20)
            assert process.poll() is None, log.read_text()
        await link.close()

    asyncio.run(asyncio.wait_for(story(), 90))

"""The parts of a region worker: how they are built and wired, and how they are shut down."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
from dataclasses import dataclass

import redis.asyncio

from probes.checks.admission import Bounds
from probes.checks.runner import Runner
from probes.net.dialer import Dialer, Resolver
from probes.net.egress import EgressRule
from probes.net.guard import Egress
from probes.net.own_address import is_own
from probes.results.forwarder import Forwarder
from probes.results.local_store import LocalStore
from probes.results.model_lists import ModelLists
from probes.results.publisher import Publisher
from probes.results.signed_link import SignedLink
from probes.signing.envelope import SENDER_BYTES
from probes.signing.signatures import Signer
from probes.worker.anchors import Anchors, parse
from probes.worker.autonomy import Autonomy
from probes.worker.clock_offset import ClockMeasurement
from probes.worker.orders import OrderAdmission
from probes.worker.queue_watch import QueueWatch
from probes.worker.settings import ProbeSettings
from probes.worker.standing_news import NewsExchange

#: How long the shutdown waits (s): for running checks, for Redis to take results, and for the disk.
DRAIN_S, FLUSH_S, DISK_S = 3.0, 1.0, 2.5


@dataclass(frozen=True)
class Identity:
    """What a worker says of its region."""

    region: str
    egress: EgressRule
    release: str
    public_key: bytes


@dataclass(frozen=True)
class Parts:
    """Everything that lives on the worker's loop, but for what reports about it."""

    identity: Identity
    connection: redis.asyncio.Redis
    signer: Signer
    orders: OrderAdmission
    store: LocalStore
    resolver: Resolver
    runner: Runner
    publisher: Publisher
    forwarder: Forwarder
    autonomy: Autonomy
    news: NewsExchange
    anchors: Anchors
    model_lists: ModelLists
    clock: ClockMeasurement
    queue_watch: QueueWatch


async def build(settings: ProbeSettings, connection: redis.asyncio.Redis) -> Parts:
    """Make the parts and wire them to each other; nothing runs yet, and Redis is not asked."""
    own = settings.identity()
    region = own.region
    store = await asyncio.to_thread(LocalStore, settings.journal)
    resolver = Resolver()
    dialer = Dialer(settings.egress, resolver, settings.probe_source, is_own, setting=_setting(settings.egress))
    signer = Signer(own.signing, os.urandom(SENDER_BYTES), lambda: runner.now_ms())
    orders = OrderAdmission(region, own.control_keys, lambda: runner.now_ms())
    forwarder = Forwarder(connection, SignedLink(region, signer, orders.verified), store)
    publisher = Publisher(connection, region, forwarder)
    runner = Runner(dialer, own.opener, publisher.publish, Bounds(at_target=settings.target_concurrency))
    autonomy = Autonomy(region, runner, store)
    lists = runner.model_lists = ModelLists(connection, region, signer)
    return Parts(
        identity=Identity(region, settings.egress, release(), own.opener.public),
        connection=connection,
        signer=signer,
        orders=orders,
        store=store,
        resolver=resolver,
        runner=runner,
        publisher=publisher,
        forwarder=forwarder,
        autonomy=autonomy,
        news=NewsExchange(connection, region, orders, autonomy),
        anchors=Anchors(dialer, parse(settings.anchors)),
        model_lists=lists,
        clock=ClockMeasurement(connection, runner),
        queue_watch=QueueWatch(connection, region),
    )


def _setting(egress: EgressRule) -> str:
    """What refuses an address, in words for people; the networks of a list are this host's own affair."""
    value = f"={egress.value}" if isinstance(egress, Egress) else ""
    return f"VIGIL_EGRESS{value} of host {os.uname().nodename[:64]}"


def save_at_once(parts: Parts) -> None:
    """Write the results in hand to the disk, where the loop is broken: blocks it."""
    parts.publisher.hand_over()
    parts.forwarder.close_at_once()


async def shut_down(parts: Parts, tasks: list[asyncio.Future[None]]) -> None:
    """End in order: checks first, then results to Redis or else to the disk, then connections."""
    parts.autonomy.stop()
    await parts.runner.drain(DRAIN_S)
    if not parts.publisher.failures:
        await parts.publisher.flush(FLUSH_S)
    await _cancel(tasks, FLUSH_S)
    parts.publisher.hand_over()
    await parts.forwarder.close()
    await parts.autonomy.remember()
    await asyncio.to_thread(parts.store.close)
    await parts.resolver.close()
    await parts.connection.aclose()


async def _cancel(tasks: list[asyncio.Future[None]], within_s: float) -> None:
    """Cancel tasks until they are gone: redis-py may swallow a cancellation while it connects."""
    left = set(tasks)
    deadline = asyncio.get_running_loop().time() + within_s
    while left and asyncio.get_running_loop().time() < deadline:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=within_s / 5)


def release() -> str:
    """The version of the installed package, or `source` when it runs from a checkout."""
    try:
        return importlib.metadata.version("vigilmon")
    except importlib.metadata.PackageNotFoundError:
        return "source"

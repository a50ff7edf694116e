"""A region worker: Celery takes batches in the main thread's pool, one uvloop loop in a thread of its own runs them."""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import os
import signal
import threading
import warnings
from concurrent.futures import Future
from typing import Any

import celery.worker.state
import msgspec
import redis.asyncio
import redis.exceptions
import structlog
import uvloop
from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_ready

from probes import wire
from probes.checks.runner import Bounds, Runner
from probes.net.dialer import Dialer, Resolver
from probes.process.health import Health
from probes.process.redis_client import RedisRefuses, RedisUnreachable, await_redis, connection_to, is_away
from probes.queue.app import TASK, region_app
from probes.results.forwarder import Forwarder
from probes.results.local_store import LocalStore
from probes.results.publisher import Publisher
from probes.worker import anchors
from probes.worker.alarm import RegionAlarm
from probes.worker.anchors import Anchors
from probes.worker.autonomy import Autonomy
from probes.worker.settings import ProbeSettings
from probes.worker.status import Identity, Parts, StatusReporter

_log = structlog.get_logger(__name__)

_DRAIN_S = 3.0
_FLUSH_S = 1.0
#: For what is to be kept on the disk at the end.
_DISK_S = 2.5
#: New objects between two collections of the youngest; some megabytes.
_YOUNG_MOST = 5_000
#: Exit status of a worker that found itself broken; a supervisor starts another.
BROKEN = 70


class RegionWorker:
    """Owns the loop's thread and everything on it; `run` is the whole life of the process."""

    def __init__(self, settings: ProbeSettings, health: Health) -> None:
        self._settings = settings
        self._health = health
        self._loop = uvloop.new_event_loop()
        self._started: Future[None] = Future()
        self._stop = asyncio.Event()
        self._runner: Runner | None = None
        self._heartbeat: StatusReporter | None = None
        self._autonomy: Autonomy | None = None

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; returns the exit status. Raises RedisUnreachable at the start only."""
        thread = threading.Thread(target=self._live, name="probe-loop", daemon=True)
        thread.start()
        self._started.result()
        status = self._consume(region_app(self._settings.region, self._settings.redis_url.get_secret_value()))
        self._loop.call_soon_threadsafe(self._stop.set)
        thread.join(timeout=_DRAIN_S + 2 * _FLUSH_S + _DISK_S)
        _log.info("worker.stopped")
        return status

    # Celery's side -----------------------------------------------------------------------------------------------

    def _consume(self, app: Celery) -> int:
        # Connecting to this signal is how Celery is told to leave logging alone.
        setup_logging.connect(_leave_logging_alone)
        worker_ready.connect(_stop_on_signals)
        # It warns of root because of pickle, which is refused here.
        warnings.simplefilter("ignore", SecurityWarning)
        app.task(name=TASK, ignore_result=True)(self._take)
        worker = app.Worker(
            pool="threads",
            concurrency=4,
            hostname=f"probe-{self._settings.region}@{os.uname().nodename}",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            loglevel="WARNING",
            quiet=True,
        )
        try:
            worker.start()
        except SystemExit as stop:
            return stop.code if isinstance(stop.code, int) else 0
        return int(worker.exitcode or 0)

    def _take(self, payload: bytes) -> None:
        """The Celery task: hand the batch to the loop and be done."""
        try:
            batch = wire.decode_batch(payload)
        except msgspec.DecodeError as error:
            _log.error("batch.undecodable", error=str(error)[:200], size=len(payload))
            return
        if batch.region != self._settings.region:
            _log.error("batch.for_another_region", region=batch.region[:40])
            return
        self._loop.call_soon_threadsafe(self._submit, batch)

    def _submit(self, batch: wire.Batch) -> None:
        assert self._runner is not None
        assert self._heartbeat is not None
        assert self._autonomy is not None
        self._heartbeat.batch_taken()
        self._autonomy.ordered(batch)
        self._runner.submit(batch)

    # The loop's side ---------------------------------------------------------------------------------------------

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        except RedisUnreachable as error:
            self._started.set_exception(error)
        except BaseException:  # noqa: BLE001 - a thread's death is silent; this one's is the whole process's
            _log.exception("worker.broken")
            os._exit(BROKEN)

    async def _main(self) -> None:
        settings = self._settings
        connection = connection_to(settings.redis_url.get_secret_value())
        wish = settings.alarm()
        # Before Redis is there: it may be what is silent.
        alarm = [asyncio.ensure_future(RegionAlarm(connection, wish).run())] if wish else []
        journal = await asyncio.to_thread(LocalStore, settings.journal)
        resolver = Resolver()
        way = Dialer(settings.egress, resolver, settings.probe_source)
        opener = settings.opener()
        keeper = Forwarder(connection, settings.region, journal)
        publisher = Publisher(connection, settings.region, keeper)
        runner = Runner(way, opener, publisher.publish, Bounds(at_target=settings.target_concurrency))
        anchorage = Anchors(way, anchors.parse(settings.anchors))
        public_key = opener.public if opener else b""
        identity = Identity(settings.region, settings.egress, release(), public_key, anchorage)
        autonomy = Autonomy(settings.region, runner, journal)
        heartbeat = StatusReporter(connection, identity, Parts(runner, publisher, keeper, autonomy), self._health)
        await self._begin(connection, heartbeat, autonomy)
        self._runner, self._heartbeat, self._autonomy = runner, heartbeat, autonomy
        self._health.mark_ready()
        _spare_the_collector()
        self._started.set_result(None)
        _log.info("worker.ready", region=settings.region, egress=settings.egress.value, source=settings.probe_source)
        loops: list[asyncio.Future[None]] = [
            asyncio.ensure_future(publisher.run()),
            asyncio.ensure_future(keeper.run()),
            asyncio.ensure_future(anchorage.run()),
            asyncio.ensure_future(heartbeat.run()),
            asyncio.ensure_future(autonomy.run()),
            asyncio.ensure_future(autonomy.run_memory()),
            *alarm,
        ]
        stopping = asyncio.ensure_future(self._stop.wait())
        watched: list[asyncio.Future[Any]] = [*loops, runner.broken, stopping]
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            publisher.hand_over()
            keeper.close_at_once()
            for ended in watched:
                if ended.done():
                    ended.result()
            raise RuntimeError("a task of the worker ended")
        await runner.drain(_DRAIN_S)
        if not publisher.failures:
            await publisher.flush(_FLUSH_S)
        await _end(loops, _FLUSH_S)
        publisher.hand_over()
        await keeper.close()
        await autonomy.remember()
        await asyncio.to_thread(journal.close)
        await resolver.close()
        await connection.aclose()

    async def _begin(self, connection: redis.asyncio.Redis, heartbeat: StatusReporter, autonomy: Autonomy) -> None:
        """Find Redis and its clock; without it, begin alone where a worker before this one left orders."""
        orders = await autonomy.recall()
        try:
            await await_redis(connection, self._settings.redis_url.get_secret_value())
            await heartbeat.measure_clock(samples=5)
        except RedisRefuses:
            autonomy.refused()
            await autonomy.remember()
            raise
        except (RedisUnreachable, redis.exceptions.RedisError, OSError) as error:
            if not isinstance(error, RedisUnreachable) and not is_away(error):
                raise
            if not orders:
                raise RedisUnreachable(str(error)) from None
            _log.warning("worker.begins_alone", orders=orders, why=str(error)[:200])
            autonomy.begin_alone()


async def _end(tasks: list[asyncio.Future[None]], within_s: float) -> None:
    """Cancel tasks until they are gone: redis-py may swallow a cancellation while it connects."""
    left = set(tasks)
    deadline = asyncio.get_running_loop().time() + within_s
    while left and asyncio.get_running_loop().time() < deadline:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=within_s / 5)


def _spare_the_collector() -> None:
    """Leave what the start has made out of every collection, and collect after more: a fifth of what a check costs.

    Checks make little garbage in circles: connections break theirs themselves.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_MOST, 20, 20)


def release() -> str:
    """The version of the installed package, or `source` when it runs from a checkout."""
    try:
        return importlib.metadata.version("vigil")
    except importlib.metadata.PackageNotFoundError:
        return "source"


def _stop_on_signals(**_: object) -> None:
    """Celery's own handlers also stop in order, but print, and restart the process on SIGHUP."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)


def _stop(*_: object) -> None:
    celery.worker.state.should_stop = os.EX_OK


def _leave_logging_alone(**_: object) -> None:
    """Our logs are configured already."""

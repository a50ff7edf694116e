"""The region worker: Celery takes batches in the main thread's pool, and a uvloop loop in a second thread runs them."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import warnings
from concurrent.futures import Future
from functools import partial
from typing import Any, cast

import celery.worker.state
import redis.asyncio
import redis.exceptions
import structlog
import uvloop
from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_ready

from probes import wire
from probes.process import sentry
from probes.process.health import Health
from probes.process.redis_client import RedisRefuses, RedisUnreachable, await_redis, connection_to, is_away
from probes.process.watch.standstill import LoopKind
from probes.process.watch.watchdog import EVENT_LOOP, tick
from probes.queue.app import TASK, region_app
from probes.queue.transport import MALFORMED
from probes.worker.alarm import RegionAlarm
from probes.worker.metrics import count_orders, count_results
from probes.worker.parts import DISK_S, DRAIN_S, FLUSH_S, Parts, build, save_at_once, shut_down
from probes.worker.settings import ProbeSettings
from probes.worker.status import StatusReporter

_log = structlog.get_logger(__name__)

#: New objects between two collections of the youngest generation: some megabytes.
_YOUNG_MOST = 5_000
#: The loops of a worker that the watchdog looks at; `QueueWatch` looks at Celery's.
LOOPS = {EVENT_LOOP: LoopKind.THREAD, "status": LoopKind.TASK, "publisher": LoopKind.TASK, "autonomy": LoopKind.TASK}
#: Exit status of a worker that found itself broken; a supervisor starts another.
BROKEN = 70


class RegionWorker:
    """Owns the loop's thread and the parts on it; `run` is the whole life of the process."""

    def __init__(self, settings: ProbeSettings, health: Health) -> None:
        self._settings = settings
        self._health = health
        self._loop = uvloop.new_event_loop()
        self._started: Future[None] = Future()
        self._stop = asyncio.Event()
        self._parts: Parts | None = None

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; returns the exit status. Raises RedisUnreachable at the start only."""
        thread = threading.Thread(target=self._live, name="probe-loop", daemon=True)
        thread.start()
        self._started.result()
        settings = self._settings
        status = self._consume(region_app(settings.region, settings.redis_url.get_secret_value(), settings.redis_ca))
        self._loop.call_soon_threadsafe(self._stop.set)
        thread.join(timeout=DRAIN_S + 2 * FLUSH_S + DISK_S)
        _log.info("worker.stopped")
        return status

    # Celery's side -----------------------------------------------------------------------------------------------

    def _consume(self, app: Celery) -> int:
        # A receiver of this signal makes Celery leave logging alone.
        setup_logging.connect(_leave_logging_alone)
        worker_ready.connect(_stop_on_signals)
        # It warns of root because of pickle, which is refused here.
        warnings.simplefilter("ignore", SecurityWarning)
        app.task(name=TASK, ignore_result=True)(self._take)
        app.conf.broker_transport_options |= {MALFORMED: self._malformed}
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

    def _take(self, payload: object = b"", envelope: object = b"") -> None:
        """The Celery task: hand the batch to the loop, if the control plane signed it."""
        assert self._parts is not None
        batch = self._parts.orders.admit(payload, envelope)
        if batch is not None:
            signed = wire.SignedBatch(cast(bytes, payload), cast(bytes, envelope))
            self._loop.call_soon_threadsafe(self._submit, batch, signed)

    def _malformed(self) -> None:
        self._take(None, None)

    def _submit(self, batch: wire.Batch, signed: wire.SignedBatch) -> None:
        assert self._parts is not None
        self._parts.queue_watch.moved()
        count_orders(self._health.counts, batch, self._parts.runner.now_ms())
        self._parts.autonomy.ordered(batch)
        self._parts.news.note(batch, signed, self._parts.runner.now_ms())
        self._parts.runner.submit(batch)

    # The loop's side ---------------------------------------------------------------------------------------------

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        except RedisUnreachable as error:
            self._started.set_exception(error)
        except BaseException:  # noqa: BLE001 - a thread's death is silent; this one's is the whole process's
            _log.exception("worker.broken")
            sentry.flush()
            os._exit(BROKEN)

    async def _main(self) -> None:
        connection = connection_to(self._settings.redis_url.get_secret_value(), self._settings.redis_ca)
        parts = await build(self._settings, connection)
        tasks = self._start_alarm(parts)
        await self._begin(parts)
        parts.publisher.turned = partial(self._health.turned, "publisher")
        parts.publisher.written = partial(count_results, self._health.counts, self._settings.region)
        parts.autonomy.turned = partial(self._health.turned, "autonomy")
        loops = (
            tick(self._health),
            parts.publisher.run(),
            parts.forwarder.run(),
            parts.anchors.run(),
            StatusReporter(parts, self._health).run(),
            parts.autonomy.run(),
            parts.autonomy.run_memory(),
        )
        tasks += [asyncio.ensure_future(loop) for loop in loops]
        self._say_ready(parts)
        await self._serve(parts, tasks)
        await shut_down(parts, tasks)

    def _start_alarm(self, parts: Parts) -> list[asyncio.Future[None]]:
        """The region's own alarm begins before Redis is found: Redis may be what is silent."""
        alarm = self._settings.alarm()
        if alarm is None:
            return []
        return [asyncio.ensure_future(RegionAlarm(parts.connection, alarm, parts.orders.verified).run())]

    async def _begin(self, parts: Parts) -> None:
        """Find Redis and its clock; without it, begin in autonomous mode if an earlier worker left orders."""
        autonomy = parts.autonomy
        orders = await autonomy.recall()
        try:
            measure = partial(parts.clock.measure, samples=5)
            await await_redis(parts.connection, self._settings.redis_url.get_secret_value(), measure)
        except RedisRefuses:
            # The stored orders stay: a Redis that was restarted may know this region again in a minute.
            raise
        except (RedisUnreachable, redis.exceptions.RedisError, OSError) as error:
            if not isinstance(error, RedisUnreachable) and not is_away(error):
                raise
            if not orders:
                raise RedisUnreachable(str(error)) from None
            _log.warning("worker.begins_alone", orders=orders, why=str(error)[:200])
            autonomy.begin_alone()

    def _say_ready(self, parts: Parts) -> None:
        settings = self._settings
        self._parts = parts
        self._health.mark_ready()
        _spare_the_collector()
        self._started.set_result(None)
        _log.info("worker.ready", region=settings.region, egress=settings.egress.value, source=settings.probe_source)

    async def _serve(self, parts: Parts, tasks: list[asyncio.Future[None]]) -> None:
        """Return when the worker is to stop; when a task ends before that, save what is in hand and raise."""
        stopping = asyncio.ensure_future(self._stop.wait())
        watched: list[asyncio.Future[Any]] = [*tasks, parts.runner.broken, stopping]
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            return
        save_at_once(parts)
        for ended in watched:
            if ended.done():
                ended.result()
        raise RuntimeError("a task of the worker ended")


def _spare_the_collector() -> None:
    """Exclude the objects of the start from collection, and collect less often: that saves a fifth of a check's cost.

    Checks leave few reference cycles behind: connections break their own.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_MOST, 20, 20)


def _stop_on_signals(**_: object) -> None:
    """Celery's own handlers also stop in order, but print, and restart the process on SIGHUP."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)


def _stop(*_: object) -> None:
    celery.worker.state.should_stop = os.EX_OK


def _leave_logging_alone(**_: object) -> None:
    """Our logs are configured already."""

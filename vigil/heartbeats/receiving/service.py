"""Ping receiver service: listens, logs pings, and beats once a second."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Coroutine
from functools import partial
from typing import Any

import structlog

from probes.process.health import Health
from probes.process.watch.watchdog import EVENT_LOOP
from vigil.configuration import Configuration
from vigil.heartbeats.receiving.address_cache import AddressCache
from vigil.heartbeats.receiving.database_clock import DatabaseClock
from vigil.heartbeats.receiving.http_server import PingServer
from vigil.heartbeats.receiving.metrics import note_answers
from vigil.heartbeats.receiving.ping_log import PingLog
from vigil.heartbeats.receiving.receiver import PingReceiver

log = structlog.get_logger()

BEAT_S = 1.0
#: Time for pending answers at shutdown.
FAREWELL_S = 5.0


async def serve(configuration: Configuration, host: str, port: int, health: Health) -> None:
    """Receive pings over HTTP until stopped. Raises OSError if the address is unavailable."""
    async with receiving(configuration, health) as at_work:
        server = PingServer(at_work.receiver, lambda: at_work.log.writes, configuration.trusted_networks)
        listening = await server.listen(host, port)
        log.info("receiver.ready", host=host, port=port)
        await at_work.until_stopped(server.close_idle())
        listening.close()
        server.close_when_answered()


class AtWork:
    """A running receiver, its log, and their tasks."""

    def __init__(self, configuration: Configuration, health: Health) -> None:
        database_url = configuration.database_url.get_secret_value()
        self.log = PingLog(configuration.ping_log_url, database_url, f"{socket.gethostname()}:{secrets.token_hex(4)}")
        self.known = AddressCache(database_url)
        self.clock = DatabaseClock(database_url)
        self.receiver = PingReceiver(self.log, self.known, self.clock)
        self.log.turned = partial(health.turned, "ping log")
        self.writing = asyncio.create_task(self.log.run())
        self.others = [asyncio.create_task(work) for work in (self.clock.run(), self.known.run(), self._beat(health))]

    async def until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Run more work until SIGTERM or SIGINT; the end of any task ends the process."""
        self.others.append(asyncio.create_task(work))
        stopping = asyncio.create_task(_told_to_stop())
        done, _ = await asyncio.wait({stopping, self.writing, *self.others}, return_when=asyncio.FIRST_COMPLETED)
        for ended in done - {stopping}:
            ended.result()
            raise RuntimeError("a task that must not end has ended")

    async def _beat(self, health: Health) -> None:
        health.mark_ready()
        while True:
            self.receiver.beat()
            place = "redis" if self.log.redis_answers else "postgresql" if self.log.writes else "away"
            health.beat(log=place, away=self.log.redis_away or None)
            health.turned(EVENT_LOOP)
            note_answers(health.counts, self.receiver.answers)
            note_answers(health.counts, self.log.answers)
            await asyncio.sleep(BEAT_S)


@contextlib.asynccontextmanager
async def receiving(configuration: Configuration, health: Health) -> AsyncIterator[AtWork]:
    """A running receiver; at the end the queue is written and answered."""
    at_work = AtWork(configuration, health)
    try:
        yield at_work
    finally:
        for task in at_work.others:
            task.cancel()
        at_work.log.stop()
        await asyncio.wait({at_work.writing}, timeout=FAREWELL_S)
        at_work.writing.cancel()
        await asyncio.gather(at_work.writing, *at_work.others, return_exceptions=True)


async def _told_to_stop() -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()

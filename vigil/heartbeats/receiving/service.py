"""The process that receives pings: listens, writes what it is given, and says once a second that it is there."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import structlog

from probes.process.health import Health
from vigil.configuration import Configuration
from vigil.heartbeats.receiving.address_cache import AddressCache
from vigil.heartbeats.receiving.database_clock import DatabaseClock
from vigil.heartbeats.receiving.http_server import PingServer
from vigil.heartbeats.receiving.ping_log import PingLog
from vigil.heartbeats.receiving.receiver import PingReceiver

log = structlog.get_logger()

BEAT_S = 1.0
#: How long callers have for their answers when the process is told to stop.
FAREWELL_S = 5.0


async def serve(configuration: Configuration, host: str, port: int, health: Health) -> None:
    """Receive pings over HTTP until told to stop. Raises OSError when the address cannot be had."""
    async with receiving(configuration, health) as at_work:
        server = PingServer(at_work.receiver, lambda: at_work.log.writes)
        listening = await server.listen(host, port)
        log.info("receiver.ready", host=host, port=port)
        await at_work.until_stopped(server.close_idle())
        listening.close()
        server.close_when_answered()


class AtWork:
    """A receiver, its log, and the tasks that serve them."""

    def __init__(self, configuration: Configuration, health: Health) -> None:
        database_url = configuration.database_url.get_secret_value()
        self.log = PingLog(configuration.ping_log_url, database_url, f"{socket.gethostname()}:{secrets.token_hex(4)}")
        self.known = AddressCache(database_url)
        self.clock = DatabaseClock(database_url)
        self.receiver = PingReceiver(self.log, self.known, self.clock)
        self.writing = asyncio.create_task(self.log.run())
        self.others = [asyncio.create_task(work) for work in (self.clock.run(), self.known.run(), self._beat(health))]

    async def until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some more work until SIGTERM or SIGINT; whatever ends before that ends the process."""
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
            health.beat(log=place)
            await asyncio.sleep(BEAT_S)


@contextlib.asynccontextmanager
async def receiving(configuration: Configuration, health: Health) -> AsyncIterator[AtWork]:
    """A receiver at work; at the end, what waits is written and answered."""
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

"""Ping endpoint in the web server: answers before Django, by the same rules and log as `ping`.

For a high rate run `manage.py run ping` behind the proxy (deploy/README.md). This endpoint sends no beat: while only it
runs, no job is called late for a `ping` process that is away.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

import structlog

from vigil.client_address import client_address
from vigil.configuration import Configuration
from vigil.heartbeats.core.pings.reply import PingOutcome
from vigil.heartbeats.core.pings.wire import Method
from vigil.heartbeats.core.pings.word_search import WordSearch
from vigil.heartbeats.receiving.address_cache import AddressCache
from vigil.heartbeats.receiving.database_clock import DatabaseClock
from vigil.heartbeats.receiving.ping_log import PingLog
from vigil.heartbeats.receiving.receiver import PingReceiver, PingRequest

log = structlog.get_logger()

PREFIX = "/ping/"
_METHODS = {"GET": Method.GET, "HEAD": Method.HEAD, "POST": Method.POST, "PUT": Method.POST, "PATCH": Method.POST}
#: Stays below `receiver_gaps.SETTLED`; a ping that took longer is not acknowledged (s).
WRITE_S = 3.0


class AsgiPings:
    """The receiver of the web process; `start` and `stop` run on the loop that serves."""

    #: That of this process, once it serves.
    running: ClassVar[AsgiPings | None] = None

    def __init__(self, configuration: Configuration) -> None:
        database_url = configuration.database_url.get_secret_value()
        self._trusted = configuration.trusted_networks
        self.log = PingLog(configuration.ping_log_url, database_url, f"web:{socket.gethostname()}:{os.getpid()}")
        self.known = AddressCache(database_url)
        clock = DatabaseClock(database_url)
        self._receiver = PingReceiver(self.log, self.known, clock)
        self._works = (self.log.run, self.known.run, clock.run)
        self._tasks: list[asyncio.Task[None]] = []
        #: Whether a task that must not end has ended, and the process with it.
        self.has_failed = False

    @property
    def answers(self) -> Counter[PingOutcome]:
        """Calls by their answers since the process began."""
        return self._receiver.answers + self.log.answers

    def start(self) -> None:
        AsgiPings.running = self
        self._tasks = [asyncio.create_task(work()) for work in self._works]
        for task in self._tasks:
            task.add_done_callback(self._end_with)

    async def stop(self) -> None:
        """Write the queue, then stop."""
        writing, *others = self._tasks
        for task in self._tasks:
            task.remove_done_callback(self._end_with)
        for task in others:
            task.cancel()
        self.log.stop()
        await asyncio.wait({writing}, timeout=WRITE_S)
        writing.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def search(self, scope: Mapping[str, Any]) -> WordSearch:
        """Search for the keywords of a heartbeat in a body."""
        return WordSearch(self._receiver.words_of(_target(scope)))

    async def take(
        self, scope: Mapping[str, Any], body: bytes, size: int, heard: bytes = b""
    ) -> tuple[PingOutcome, float]:
        """The outcome of a call and the seconds to wait before the next; `body` may be cut, `size` is its full size."""
        request = self._request(scope, body, size, heard)
        if request is None:
            return PingOutcome.NO_METHOD, 0.0
        taken: asyncio.Future[tuple[PingOutcome, float]] = asyncio.get_running_loop().create_future()
        self._receiver.take(
            request, lambda outcome, wait_s: None if taken.done() else taken.set_result((outcome, wait_s))
        )
        try:
            async with asyncio.timeout(WRITE_S):
                return await taken
        except TimeoutError:
            return PingOutcome.TRY_AGAIN, 0.0

    def take_failure(self, scope: Mapping[str, Any]) -> None:
        """Keep the failure that the address of a call says, though its body did not arrive."""
        request = self._request(scope, b"", 0)
        if request is not None:
            self._receiver.take_failure(request)

    def _request(self, scope: Mapping[str, Any], body: bytes, size: int, heard: bytes = b"") -> PingRequest | None:
        """A call as the receiver takes it; None for a method that is none of a ping."""
        method = _METHODS.get(scope["method"])
        if method is None:
            return None
        peer = scope["client"][0] if scope.get("client") else ""
        origin = client_address(peer, _header(scope, b"x-forwarded-for"), self._trusted)
        return PingRequest(_target(scope), method, origin, _header(scope, b"user-agent"), body, size, heard)

    def _end_with(self, task: asyncio.Task[None]) -> None:
        """End the process, which is started again, rather than serve without a task that must not end."""
        error = None if task.cancelled() else task.exception()
        log.error("ping.task_ended", error=type(error).__name__, exc_info=error)
        self.has_failed = True
        signal.raise_signal(signal.SIGTERM)


def _target(scope: Mapping[str, Any]) -> str:
    path = (scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _header(scope: Mapping[str, Any], name: bytes) -> str:
    """A header's values, as one list."""
    return ",".join(value.decode("latin-1") for each, value in scope["headers"] if each == name)

"""Connection pool for receivers: guarded dialling, keep-alive, one call per connection at a time."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable
from typing import NamedTuple

from probes.net.dialer import Dialer, dial
from probes.net.failures import ClosedEarly
from probes.net.http1 import HttpConnection
from probes.net.http_messages import Request, Response
from probes.net.targets import Target
from probes.net.trace import Trace

#: Idle connections close after this, before a typical server closes them.
IDLE_S = 12.0
#: Longest life of a connection, so that DNS changes are followed.
AGE_S = 120.0
IDLE_PER_ORIGIN = 128


class _Pooled(NamedTuple):
    connection: HttpConnection
    born_s: float
    used_s: float


class Pool:
    """Connections by origin. A call takes an idle one or dials; calls never wait for each other."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._idle: defaultdict[tuple[bool, str, int], deque[_Pooled]] = defaultdict(deque)

    async def call(self, request: Request) -> Response:
        """Send a request; returns the answer, even if its body is broken. The caller sets the deadline.

        A pooled connection may have been closed by the receiver. If no byte of the answer arrived, the request is sent
        once more over a new one. Raises what `dial` raises, `ClosedEarly`, `ProtocolBroken` and `TooLarge`.
        """
        target = request.target
        kept = self._take(target)
        if kept is not None:
            try:
                return await self._kept_after(kept.connection.ask(request), kept, target)
            except (ClosedEarly, ConnectionError):
                if kept.connection.started:
                    raise ClosedEarly("closed in the middle of the answer") from None
        now_s = asyncio.get_running_loop().time()
        fresh = _Pooled(HttpConnection(request, Trace()), now_s, now_s)
        return await self._kept_after(self._dial(fresh.connection, target), fresh, target)

    def close(self) -> None:
        for waiting in self._idle.values():
            for idle in waiting:
                idle.connection.close()
        self._idle.clear()

    def _take(self, target: Target) -> _Pooled | None:
        now_s = asyncio.get_running_loop().time()
        waiting = self._idle.get(target.origin)
        while waiting:
            idle = waiting.pop()
            if idle.connection.reusable and now_s - idle.used_s < IDLE_S and now_s - idle.born_s < AGE_S:
                return idle
            idle.connection.close()
        return None

    async def _dial(self, connection: HttpConnection, target: Target) -> Response:
        await dial(self._dialer, target.host, target.port, lambda: connection, Trace())
        return await connection.answer

    async def _kept_after(self, answer: Awaitable[Response], used: _Pooled, target: Target) -> Response:
        """Wait for the answer; then pool the connection if it is reusable, else close it."""
        try:
            return await answer
        finally:
            waiting = self._idle[target.origin]
            if used.connection.reusable and len(waiting) < IDLE_PER_ORIGIN:
                waiting.append(used._replace(used_s=asyncio.get_running_loop().time()))
            else:
                used.connection.close()

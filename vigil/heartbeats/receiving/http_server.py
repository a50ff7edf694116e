"""Ping HTTP server: no framework or middleware; bounded in everything a client may send."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable

from vigil.client_address import Network
from vigil.heartbeats.receiving.open_connections import OpenConnections
from vigil.heartbeats.receiving.pending_bodies import PendingBodies
from vigil.heartbeats.receiving.ping_connection import PingConnection
from vigil.heartbeats.receiving.receiver import PingReceiver

#: Caps on open connections, in all and per peer; a proxy in front is one peer.
MAX_CONNECTIONS, MAX_OF_PEER = 10_000, 5_000
#: Bytes buffered of incomplete bodies in all.
PENDING_BYTES = 64_000_000
#: Interval of the check of deadlines (s).
SWEEP_S = 1.0


def _most_connections() -> int:
    """The cap on connections; lower where the process may not open so many files, with some to spare."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else max(64, min(MAX_CONNECTIONS, files - 256))


class PingServer:
    """Connections of one listener, and their shared state."""

    def __init__(self, receiver: PingReceiver, healthy: Callable[[], bool], trusted: tuple[Network, ...] = ()) -> None:
        self.receiver = receiver
        #: Networks of proxies whose X-Forwarded-For is believed.
        self.trusted = trusted
        self.healthy = healthy
        self.bodies = PendingBodies(PENDING_BYTES)
        most = _most_connections()
        self.connections: OpenConnections[PingConnection] = OpenConnections(
            most, min(MAX_OF_PEER, most // 2), PingConnection.is_busy
        )
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        return self._loop.time()

    def admit(self, connection: PingConnection, peer: str) -> None:
        """Count a new connection; at a cap the least recently used idle connection is closed."""
        ends = self.connections.add(connection, peer)
        if ends is not None:
            ends.abort()

    def used(self, connection: PingConnection) -> None:
        self.connections.used(connection)

    def forget(self, connection: PingConnection) -> None:
        self.connections.remove(connection)
        self.bodies.release(connection)

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Start listening; raises OSError if the address is unavailable."""
        return await self._loop.create_server(lambda: PingConnection(self), host, port, backlog=1024)

    async def close_idle(self) -> None:
        """Close idle connections until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            for connection in self.connections:
                connection.close_if_idle(self.now())

    def close_when_answered(self) -> None:
        """Close every connection once its answers are sent."""
        for connection in self.connections:
            connection.close_when_answered()

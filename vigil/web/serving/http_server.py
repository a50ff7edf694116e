"""HTTP server of the web process: uvicorn, with caps on connections and a deadline for every state of one.

A connection is idle until the head of a request is complete, and again once its answer is written. At a cap the least
recently used connection that does not wait for us is closed, so that a job or a person always gets in.
"""

from __future__ import annotations

import asyncio
import resource
import signal
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from vigil.heartbeats.receiving.open_connections import OpenConnections

#: Caps on open connections, in all and per peer; a proxy in front is one peer.
MAX_CONNECTIONS, MAX_OF_PEER = 4_096, 2_048
BACKLOG = 1_024
#: A head arrives within this after the connection was made or its last answer written (s).
HEAD_S = 10.0
#: Longest time for one request to arrive, and longest time for its answer to be read (s).
ARRIVAL_S, READ_S = 30.0, 30.0
#: Bytes of a head, and what one read may add to it.
MAX_HEAD, READ_AT_ONCE = 65_536, 262_144
#: Requests that wait behind another on one connection.
MAX_PIPELINED = 100
#: Time for pending answers at shutdown (s).
FAREWELL_S = 5


class _Connections(ServerState):
    """Uvicorn's state of a server, and the connections in the order of their use."""

    def __init__(self) -> None:
        super().__init__()
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        most = MAX_CONNECTIONS if files == resource.RLIM_INFINITY else max(64, min(MAX_CONNECTIONS, files - 256))
        self.open: OpenConnections[WebConnection] = OpenConnections(
            most, min(MAX_OF_PEER, most // 2), WebConnection.is_busy
        )


class WebConnection(HttpToolsProtocol):
    """One client's connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._state = cast(_Connections, self.server_state)
        self._unread = 0
        self._rested_s = self.loop.time()
        #: When the request that arrives began, and since when the client does not read; 0 for neither.
        self._begun_s = self._stuck_s = 0.0
        closes = self._state.open.add(self, self.client[0] if self.client else "")
        if closes is not None:
            closes.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.open.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        if self._unread > MAX_HEAD + READ_AT_ONCE:
            self.send_400_response("The head of the request is too long.")
        elif not self.transport.is_closing():
            super().data_received(data)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            raise httptools.HttpParserError("too many requests at once")
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._begun_s = self.loop.time()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unread, self._begun_s = 0, 0.0
        self._state.open.used(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._rested_s = self.loop.time()
        self._state.open.used(self)
        super().on_response_complete()

    def pause_writing(self) -> None:
        self._stuck_s = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stuck_s = 0.0
        super().resume_writing()

    def is_busy(self) -> bool:
        """Whether a whole request waits for our answer, which the client would read."""
        return self._answers() and not self._begun_s and not self._stuck_s

    def is_late(self, now_s: float) -> bool:
        """Whether the client has let a deadline pass."""
        if self._stuck_s:
            return now_s - self._stuck_s > READ_S
        if self._answers():
            return self._begun_s > 0 and now_s - self._begun_s > ARRIVAL_S
        return now_s - self._rested_s > HEAD_S

    def _answers(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete


class _Server(uvicorn.Server):
    """Uvicorn's server, which also closes connections that are late."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state = self._connections = _Connections()

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            now_s = asyncio.get_running_loop().time()
            for connection in self._connections.open:
                if connection.is_late(now_s):
                    connection.transport.abort()
        return await super().on_tick(counter)


def serve(application: Any, host: str, port: int) -> None:
    """Serve an ASGI application until SIGTERM or SIGINT. Raises SystemExit if the address is unavailable."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        http=WebConnection,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=int(HEAD_S),
        timeout_graceful_shutdown=FAREWELL_S,
    )
    # Uvicorn raises the signal again once it has stopped.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    # Not on uvloop, where what is written to a connection that has just broken is an error of the application.
    asyncio.run(_Server(config).serve())

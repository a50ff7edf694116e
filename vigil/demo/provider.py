"""Fake AI provider that fails on request: `python -m vigil.demo.provider --port N --control-port M`.

The control port takes `POST /state` with a whole new State as JSON and answers `GET /state` with the present one.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import signal
import socket
import sys
import time
from enum import StrEnum
from typing import Annotated

import msgspec

from vigil.demo import endpoints
from vigil.demo.exchange import (
    OneAnswerConnection,
    Respond,
    ServedAnswer,
    ServedRequest,
    ServerConnection,
    as_json,
    serve,
)
from vigil.demo.gateways.status_page import STATUS_PAGE, status_page
from vigil.demo.metered.answers import metered_answer
from vigil.demo.streaming.served import generated

REOPEN_DEADLINE_S = 5.0


class Mode(StrEnum):
    """Behaviour towards clients outside `blind`."""

    HEALTHY = "healthy"
    REFUSE = "refuse"
    STATUS = "status"
    SLOW = "slow"
    HANG = "hang"
    OVERLOADED = "overloaded"
    BAD_KEY = "bad_key"
    LOADING = "loading"
    RATE_LIMITED = "rate_limited"


class ProviderState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """State set by the control port: `status` is the answer of STATUS, `delay_s` the wait of SLOW.

    Connections from source addresses in `blind` are reset at once, which blinds one region.
    """

    mode: Mode = Mode.HEALTHY
    status: Annotated[int, msgspec.Meta(ge=100, le=999)] = 500
    delay_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0
    blind: list[str] = []


class FakeProvider:
    """The provider's socket, reopened on the same port, and its answers."""

    def __init__(self, port: int) -> None:
        self._reserved = _reserve(port)
        self.port = int(self._reserved.getsockname()[1]) if self._reserved else port
        self.state = ProviderState()
        self._began_s = time.monotonic()
        self._server: asyncio.Server | None = None
        self.connections: set[ServerConnection] = set()
        self._changed = asyncio.Event()

    async def apply(self, state: ProviderState) -> None:
        """Apply a state; a change of mode ends hanging connections."""
        self.state = state
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if state.mode is Mode.REFUSE:
            await self.close()
        elif self._server is None:
            self._server = await self._listen()

    async def close(self) -> None:
        """Stop listening and reset every connection, as a crashed process would."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for connection in list(self.connections):
            connection.reset()

    async def leave(self) -> None:
        """Close, and free the port."""
        await self.close()
        if self._reserved is not None:
            self._reserved.close()

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + REOPEN_DEADLINE_S
        while True:
            try:
                server = await loop.create_server(
                    lambda: _Connection(self), "127.0.0.1", self.port, reuse_address=True, backlog=1024
                )
            except OSError as error:
                if error.errno != errno.EADDRINUSE or loop.time() > deadline:
                    raise
                await asyncio.sleep(0.05)
            else:
                self.port = server.sockets[0].getsockname()[1]
                return server

    async def respond(self, request: ServedRequest) -> ServedAnswer:
        state = self.state
        metered = metered_answer(request, time.monotonic() - self._began_s)
        if metered is not None:
            return metered
        if request.path == STATUS_PAGE:
            return status_page(is_well=state.mode is Mode.HEALTHY)
        found = endpoints.find(request.path)
        if found is None:
            return as_json(404, {"error": "unknown provider", "known": sorted(endpoints.PROVIDERS)})
        provider, path = found
        if state.mode is Mode.HANG:
            await self._changed.wait()
        elif state.mode is Mode.SLOW:
            await asyncio.sleep(state.delay_s)
        troubles = {
            Mode.STATUS: as_json(state.status, {"error": {"message": "told to fail", "type": "server_error"}}),
            Mode.OVERLOADED: provider.overloaded,
            Mode.BAD_KEY: provider.bad_key,
            Mode.LOADING: provider.loading,
            Mode.RATE_LIMITED: provider.rate_limited,
        }
        trouble = troubles.get(state.mode) or generated(provider, request, path)
        return trouble or endpoints.healthy_answer(provider, request, path)


class _Connection(OneAnswerConnection):
    """A connection to the provider; blind sources are reset at once."""

    def __init__(self, provider: FakeProvider) -> None:
        super().__init__(provider.connections, provider.respond)
        self._provider = provider

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if transport.get_extra_info("peername")[0] in self._provider.state.blind:
            self.reset()


def _reserve(port: int) -> socket.socket | None:
    """Bind the port without listening, so that no other process takes it meanwhile."""
    if sys.platform != "linux":
        return None
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held


def control(provider: FakeProvider) -> Respond:
    """Control port; `/healthz` is for supervisors."""

    async def respond(request: ServedRequest) -> ServedAnswer:
        if request.path not in ("/state", "/healthz"):
            return as_json(404, {"error": "only /state is here"})
        if request.method == "POST":
            try:
                state = msgspec.json.decode(request.body, type=ProviderState)
            except msgspec.DecodeError as problem:
                return as_json(400, {"error": str(problem)})
            await provider.apply(state)
        return ServedAnswer(200, msgspec.json.encode(provider.state))

    return respond


async def run(port: int, control_port: int) -> None:
    """Serve until SIGTERM or SIGINT; raises OSError if a port is taken."""
    provider = FakeProvider(port)
    await provider.apply(ProviderState())
    controls = await serve(control_port, control(provider))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    address = f"http://127.0.0.1:{provider.port}"
    print(f"fake provider on {address}, control port {controls.sockets[0].getsockname()[1]}", file=sys.stderr)
    await stop.wait()
    controls.close()
    await provider.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m vigil.demo.provider", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where the provider answers, on 127.0.0.1")
    parser.add_argument("--control-port", type=int, required=True, help="where it takes orders, on 127.0.0.1")
    args = parser.parse_args()
    try:
        asyncio.run(run(args.port, args.control_port))
    except OSError as error:
        print(f"fake provider: cannot listen: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Benchmark target: 200 for every path, and 503 below /sick after SIGUSR1."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import cast

import uvloop

_WELL = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
_SICK = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_REQUEST_LIMIT = 16 * 1024


class TargetFaults:
    """Whether the paths below /sick fail."""

    def __init__(self) -> None:
        self.spread = False

    def begin(self) -> None:
        self.spread = True


class BenchTarget(asyncio.Protocol):
    """A connection: one request, one answer."""

    def __init__(self, faults: TargetFaults) -> None:
        self._faults = faults
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, chunk: bytes) -> None:
        self._read += chunk
        if b"\r\n\r\n" in self._read or len(self._read) > _REQUEST_LIMIT:
            self._transport.write(_SICK if self._faults.spread and b" /sick" in self._read[:16] else _WELL)
            self._transport.close()


async def serve(port: int) -> None:
    """Serve on 127.0.0.1:`port` until SIGTERM; raises OSError if the port is taken."""
    loop = asyncio.get_running_loop()
    faults, stop = TargetFaults(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, faults.begin)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: BenchTarget(faults), "127.0.0.1", port, backlog=4096)
    await stop.wait()
    server.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m vigil.bench.target", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where to listen, on 127.0.0.1")
    uvloop.run(serve(parser.parse_args().port))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Benchmark target (HTTP, HTTPS): 200; 503 below /sick after SIGUSR1; no answer to /hang."""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
from typing import cast

import uvloop

_WELL = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
_SICK = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_REQUEST_LIMIT = 16 * 1024
_BACKLOG = 4096


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
        path = self._read[:16]
        if len(self._read) > _REQUEST_LIMIT or (b"\r\n\r\n" in self._read and b" /hang" not in path):
            self._transport.write(_SICK if self._faults.spread and b" /sick" in path else _WELL)
            self._transport.close()


async def serve(port: int, tls_port: int = 0, certificate: str = "") -> None:
    """Serve on 127.0.0.1 until SIGTERM, on `tls_port` too where there is a certificate; raises OSError."""
    loop = asyncio.get_running_loop()
    faults, stop = TargetFaults(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, faults.begin)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await loop.create_server(lambda: BenchTarget(faults), "127.0.0.1", port, backlog=_BACKLOG)
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        await loop.create_server(
            lambda: BenchTarget(faults), "127.0.0.1", tls_port, backlog=_BACKLOG, ssl=tls, ssl_handshake_timeout=60
        )
    await stop.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m vigil.bench.target", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where to listen for HTTP, on 127.0.0.1")
    parser.add_argument("--tls", type=int, default=0, help="where to listen for HTTPS")
    parser.add_argument("--certificate", default="", help="PEM file with the key and the certificate, for HTTPS")
    given = parser.parse_args()
    uvloop.run(serve(given.port, given.tls, given.certificate))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Probe benchmark target, plain and with TLS: 200 for /, no answer for /hang."""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
from typing import cast

import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
_REQUEST_LIMIT = 16 * 1024


class ProbeTarget(asyncio.Protocol):
    """A connection: one request, and one answer unless it should hang."""

    def __init__(self) -> None:
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, chunk: bytes) -> None:
        self._read += chunk
        if len(self._read) > _REQUEST_LIMIT or (b"\r\n\r\n" in self._read and b" /hang" not in self._read[:16]):
            self._transport.write(_ANSWER)
            self._transport.close()


async def serve(plain_port: int, tls_port: int, certificate: str) -> None:
    """Serve on 127.0.0.1 until SIGTERM; raises OSError if a port is taken."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    await loop.create_server(ProbeTarget, "127.0.0.1", plain_port, backlog=4096)
    await loop.create_server(ProbeTarget, "127.0.0.1", tls_port, backlog=4096, ssl=tls, ssl_handshake_timeout=60)
    await stop.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m vigil.bench.probe.target", description=__doc__)
    parser.add_argument("--plain", type=int, required=True, help="where to listen for HTTP, on 127.0.0.1")
    parser.add_argument("--tls", type=int, required=True, help="where to listen for HTTPS")
    parser.add_argument("--certificate", required=True, help="PEM file with the key and the certificate")
    given = parser.parse_args()
    uvloop.run(serve(given.plain, given.tls, given.certificate))
    return 0


if __name__ == "__main__":
    sys.exit(main())

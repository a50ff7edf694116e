"""A stand-in for Sentry: a real HTTP server on loopback that keeps what arrives, unpacked."""

from __future__ import annotations

import contextlib
import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SentryReceiver:
    """`dsn` is where reports go; `bodies` and `heads` are what has arrived."""

    def __init__(self, port: int) -> None:
        self.dsn = f"http://public@127.0.0.1:{port}/7"
        self.bodies: list[str] = []
        self.heads: list[str] = []

    def events(self) -> list[str]:
        return [body for body in self.bodies if '"exception"' in body]


@contextlib.contextmanager
def receiving_reports() -> Iterator[SentryReceiver]:
    """Receives until the end of the with statement."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.heads.append(f"{self.path} {self.headers}")
            receiver.bodies.append((gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = SentryReceiver(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()

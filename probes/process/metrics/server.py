"""Server of a process's metrics on an address of their own: GET /metrics, and nothing else.

Scrapers are few: so are its connections, and each has a deadline for its whole request.
"""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import stat
import threading
import time
from collections.abc import Callable

from probes.process.metrics.address import MetricsAddress

#: Connections answered at once; further ones are closed.
AT_ONCE = 8
DEADLINE_S = 5.0
_HEAD_MOST = 16_384
#: Names by which a program of this machine asks; a web page that made a name of its own point here has another.
_OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

#: The text of the metrics in a format that a scraper accepts, and its content type.
Page = Callable[[str], tuple[bytes, str]]


class MetricsServer:
    """Serves until closed, from threads that end with the process. Raises OSError where the address is taken."""

    def __init__(self, address: MetricsAddress, page: Page) -> None:
        self._address = address
        if address.path:
            _remove_stale(address.path)
        made = _UnixServer if address.path else _Server6 if ":" in address.host else _Server
        where: str | tuple[str, int] = address.path or (address.host, address.port)
        self._server = made(where, _handler(page, address))
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        if self._address.path:
            with contextlib.suppress(OSError):
                os.unlink(self._address.path)


class _Bounded(socketserver.ThreadingMixIn):
    daemon_threads = True
    block_on_close = False

    def __init__(self, *arguments: object) -> None:
        self._free = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(*arguments)

    def process_request(self, request: object, client_address: object) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)  # type: ignore[arg-type]
        else:
            self.shutdown_request(request)  # type: ignore[attr-defined]

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A scraper that went away is no event."""


class _Server(_Bounded, socketserver.TCPServer):
    allow_reuse_address = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _UnixServer(_Bounded, socketserver.UnixStreamServer):
    pass


def _remove_stale(path: str) -> None:
    """Remove the socket that an earlier process left; anything else at the path stays, and is in the way."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)


def _handler(page: Page, address: MetricsAddress) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = _read_head(self.request, time.monotonic() + DEADLINE_S)
            if head is not None:
                self.request.settimeout(DEADLINE_S)
                self.request.sendall(answer(head, page, address.is_loopback))

    return Handler


def _read_head(connection: socket.socket, until_s: float) -> str | None:
    """The head of a request; None for one that is too long, or too slow."""
    received = b""
    while b"\r\n\r\n" not in received:
        left_s = until_s - time.monotonic()
        if left_s <= 0 or len(received) > _HEAD_MOST:
            return None
        connection.settimeout(left_s)
        try:
            part = connection.recv(4_096)
        except TimeoutError:
            return None
        if not part:
            return None
        received += part
    return received.partition(b"\r\n\r\n")[0].decode("latin-1")


def answer(head: str, page: Page, only_here: bool) -> bytes:
    """The answer to a request by its head; `only_here` refuses names that are not of this machine."""
    line, *lines = head.split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)}
    method, _, rest = line.partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    if only_here and not is_own_host(fields.get("host", "")):
        return _response("421 Misdirected Request", "text/plain", b"ask for localhost\n")
    if path != "/metrics":
        return _response("404 Not Found", "text/plain", b"only /metrics is here\n")
    if method not in ("GET", "HEAD"):
        return _response("405 Method Not Allowed", "text/plain", b"ask with GET\n")
    body, content_type = page(fields.get("accept", ""))
    found = _response("200 OK", content_type, body)
    return found if method == "GET" else found[: -len(body)]


def is_own_host(host: str) -> bool:
    """Whether a Host header names this machine from within; a scraper of a Unix socket may send none."""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return not host or name.lower() in _OWN_HOSTS


def _response(status: str, content_type: str, body: bytes) -> bytes:
    fields = (f"Content-Type: {content_type}", f"Content-Length: {len(body)}", "Connection: close")
    return "\r\n".join((f"HTTP/1.1 {status}", *fields, "", "")).encode("latin-1") + body

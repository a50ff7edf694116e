"""The endpoints that the stored installation knows: what it watches, and the receivers of its alerts, on loopback.

Their address is stored in the installation, so it is fixed: below the ports that `up` and the system choose from.
"""

from __future__ import annotations

import errno
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 18_911
ADDRESS = f"http://127.0.0.1:{PORT}"
#: What the monitors of the stored installation keep sealed, and must send.
KEYS = {"/gateway": "Bearer not-a-secret-bearer", "/v1/models": "Bearer not-a-secret-key"}
#: Another run of the same test holds the port for no longer than this.
_FREE_WITHIN_S = 120
_STATUS_PAGE = {"components": [{"name": "API", "status": "operational"}], "incidents": []}
_PAGES = {
    "/v1/models": {"object": "list", "data": [{"id": "qwen", "object": "model"}]},
    "/status": _STATUS_PAGE,
    "/pagerduty": {"status": "success", "message": "Event processed", "dedup_key": "taken"},
}


@dataclass(frozen=True)
class Taken:
    """One request as it came. `body` is its JSON document, if it is one; names of headers are lower case."""

    path: str
    raw: bytes
    body: Any
    headers: Mapping[str, str]


class Endpoints(ThreadingHTTPServer):
    """Answers everything with 200; with 503 below the paths in `broken`, and with 401 where a key is wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", PORT), _Handler)
        self.broken: set[str] = set()
        self.taken: list[Taken] = []

    def answered(self, path: str) -> list[Taken]:
        """What came to a path and was answered with 200, the oldest first."""
        return [one for one in list(self.taken) if one.path == path]

    def deliveries(self, path: str, kind: str) -> list[dict[str, Any]]:
        """The bodies of the accepted deliveries of one type, such as `incident.resolved`."""
        return [one.body for one in self.answered(path) if one.body and one.body.get("type") == kind]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Endpoints

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        status = self._status()
        if status == 200:
            document = json.loads(body) if body.startswith(b"{") else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.server.taken.append(Taken(self.path, body, document, headers))
        said = json.dumps(_PAGES.get(self.path, {"ok": status == 200})).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_POST = do_GET

    def _status(self) -> int:
        if self.path in self.server.broken:
            return 503
        return 401 if KEYS.get(self.path) not in (None, self.headers.get("Authorization")) else 200

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served() -> Iterator[Endpoints]:
    """The endpoints for the length of a with statement; waits for another run that holds their port."""
    end = time.monotonic() + _FREE_WITHIN_S
    while True:
        try:
            server = Endpoints()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            break
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()

"""Health endpoint of a process: whether it is ready, and when its main loop last turned."""

from __future__ import annotations

import http.server
import json
import threading
import time
from dataclasses import dataclass

from probes.process.metrics.address import parse_metrics_address
from probes.process.metrics.counts import ProcessCounts
from probes.process.metrics.server import MetricsServer, is_own_host

Fact = str | int | float | bool | None

#: The loop that `beat` is for.
MAIN = "main loop"


@dataclass(frozen=True, slots=True)
class Turn:
    """The latest turn of a loop: how many it has made, and in which thread."""

    number: int
    thread: int


class Health:
    """What one process says of itself: healthy means ready and heard from within `stale_after_s` seconds.

    Safe to call from any thread; `beat` costs about a microsecond, so a loop calls it on every turn.
    """

    def __init__(self, process: str, stale_after_s: float) -> None:
        self.process = process
        self._stale_after_s = stale_after_s
        self._ready = False
        self._beaten = time.monotonic()
        self._facts: dict[str, Fact] = {}
        self._server: http.server.ThreadingHTTPServer | None = None
        self._metrics_server: MetricsServer | None = None
        #: What the process counts for Prometheus.
        self.counts = ProcessCounts()
        self._born = Turn(0, threading.main_thread().ident or 0)
        self._turns: dict[str, tuple[int, int]] = {}

    def beat(self, **facts: Fact) -> None:
        """Say that the main loop is turning, and replace the given facts."""
        self._beaten = time.monotonic()
        self.turned(MAIN)
        if facts:
            self._facts = {**self._facts, **facts}

    def turned(self, loop: str) -> None:
        """Say that one of the process's loops has turned; the watchdog looks at it."""
        self._turns[loop] = (self._turns.get(loop, (0, 0))[0] + 1, threading.get_ident())

    def turn_of(self, loop: str) -> Turn:
        """The latest turn of a loop; number 0 before the first."""
        found = self._turns.get(loop)
        return Turn(*found) if found else self._born

    @property
    def is_ready(self) -> bool:
        """Whether start-up is done."""
        return self._ready

    def mark_ready(self) -> None:
        """Say that start-up is done."""
        self._ready = True
        self.beat()

    def report(self) -> tuple[bool, dict[str, object]]:
        """Whether the process is healthy, and the JSON object that says why."""
        age_s = time.monotonic() - self._beaten
        healthy = self._ready and age_s <= self._stale_after_s
        return healthy, {
            "process": self.process,
            "ready": self._ready,
            "age_s": round(age_s, 3),
            "facts": self._facts,
        }

    def metrics(self, accepts: str) -> tuple[bytes, str]:
        """The text of the process's metrics in a format that a scraper accepts, and its content type."""
        # Imported at the first scrape: most processes are never asked.
        from probes.process.metrics.page import ProcessState, page

        age_s = time.monotonic() - self._beaten
        return page(ProcessState(self.process, self._ready, age_s, self._facts), self.counts, accepts)

    def open_metrics(self, address: str) -> str:
        """Answer GET /metrics there too, as for scrapers of other machines; returns why it cannot, or nothing."""
        try:
            where = parse_metrics_address(address)
            if where is not None:
                self._metrics_server = MetricsServer(where, self.metrics)
        except OSError as error:
            return f"{address} cannot be served ({error.strerror or error}): set VIGIL_METRICS_ADDRESS"
        return ""

    def serve(self, port: int | None) -> int:
        """Answer GET /healthz, /livez and /metrics on 127.0.0.1:`port` from a daemon thread; returns the port served.

        No port (0 or None) serves nothing and returns 0. Raises OSError when the port is taken.
        """
        if not port:
            return 0
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        server.daemon_threads = True
        self._server = server
        threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
        return int(server.server_address[1])

    def close(self) -> None:
        """Stop answering."""
        if self._metrics_server is not None:
            self._metrics_server.close()
            self._metrics_server = None
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def _handler(health: Health) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        #: A client that connects and says nothing holds its thread for at most this many seconds.
        timeout = 5

        def do_GET(self) -> None:
            if self.path == "/livez":
                # A loop that stands still ends the process, so what answers is alive, also while a server is away.
                self._answer(200, {"process": health.process})
                return
            if self.path == "/metrics":
                self._tell_metrics()
                return
            if self.path != "/healthz":
                self._answer(404, {"error": "only /healthz, /livez and /metrics are here"})
                return
            healthy, report = health.report()
            self._answer(200 if healthy else 503, report)

        def _tell_metrics(self) -> None:
            if not is_own_host(self.headers.get("Host", "")):
                self._answer(421, {"error": "ask for localhost"})
                return
            self._send(200, *health.metrics(self.headers.get("Accept", "")))

        def _answer(self, code: int, report: dict[str, object]) -> None:
            self._send(code, json.dumps(report).encode(), "application/json")

        def _send(self, code: int, body: bytes, content_type: str) -> None:
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A supervisor asks every second: not worth a line each."""

    return Handler

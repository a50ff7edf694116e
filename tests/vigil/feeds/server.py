"""A real HTTP server that serves status feeds, well and badly."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FeedServer:
    """`body` is what `/feed` serves, under an ETag that follows it; other paths misbehave, each in its own way."""

    def __init__(self) -> None:
        self.body = b"[]"
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.release = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def url(self, path: str = "/feed") -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def etag(self) -> str:
        return f'"{hash(self.body)}"'

    def _handler(feeds) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                feeds.asked.append((self.path, headers))
                if self.path == "/feed":
                    unchanged = headers.get("if-none-match") == feeds.etag
                    self._answer(304 if unchanged else 200, b"" if unchanged else feeds.body, {"etag": feeds.etag})
                elif self.path == "/huge":
                    self._answer(200, b"[" + b" " * 3_000_000 + b"]")
                elif self.path == "/slow":
                    self.send_response(200)
                    self.end_headers()
                    while not feeds.release.wait(0.05):
                        self.wfile.write(b" ")
                elif self.path == "/bomb":
                    self._answer(200, gzip.compress(b" " * 20_000_000), {"content-encoding": "gzip"})
                elif self.path == "/html":
                    self._answer(200, b"<html>Log in</html>", {"content-type": "text/html"})
                elif self.path == "/once":
                    self._answer(302, b"", {"location": "/feed"})
                elif self.path == "/round":
                    self._answer(302, b"", {"location": "/round"})
                elif self.path == "/evil":
                    self._answer(200, b"[]", {"etag": "x" * 5_000, "last-modified": "caf\xe9"})
                else:
                    self._answer(503, b"")

            def _answer(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
                self.send_response(code)
                given = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
                for name, value in given.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """The test looks at `asked`."""

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:
                    # Who is cut off in the middle is cut off by us.
                    return

        return Handler

"""The finding about VIGIL_BASE_URL, against servers on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import Mock

import pytest

from vigil.configuration import configuration
from vigil.doctor.base_address import base_address
from vigil.doctor.findings import Level


class _Answers(BaseHTTPRequestHandler):
    code, body = 200, b""

    def do_GET(self) -> None:
        self.send_response(self.code)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("VIGIL_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}")
        configuration.cache_clear()
        yield server
        server.shutdown()
    monkeypatch.undo()
    configuration.cache_clear()


@pytest.mark.parametrize(
    ("code", "body", "level"),
    [
        (200, b'{"code": "unknown_host"}', Level.WELL),
        (400, b'{"code": "unknown_host"}', Level.PROBLEM),
        (502, b"bad gateway", Level.WARNING),
    ],
)
def test_what_answers_the_base_url_is_told(
    server: Any, monkeypatch: pytest.MonkeyPatch, code: int, body: bytes, level: Level
) -> None:
    monkeypatch.setattr(_Answers, "code", code)
    monkeypatch.setattr(_Answers, "body", body)
    assert [finding.level for finding in base_address(Mock())] == [level]


def test_a_base_url_that_nothing_answers_is_a_warning(server: Any) -> None:
    server.shutdown()
    server.server_close()
    assert [finding.level for finding in base_address(Mock())] == [Level.WARNING]

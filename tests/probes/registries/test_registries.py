"""The list of RDAP servers: what ships reads well, and a newer one replaces it whole or not at all."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from probes.registries import NAMES_LEAST, SHIPPED, BadList, parse, server_of
from probes.registries.__main__ import main


def test_the_list_that_ships_knows_the_common_names() -> None:
    assert server_of("example.com") == "https://rdap.verisign.com/com/v1/"
    assert server_of("shop.example.org") == "https://rdap.publicinterestregistry.org/rdap/"
    assert server_of("example.invalid") is None
    servers = parse(SHIPPED.read_bytes())
    assert len(servers) > 1_000 and all(one.endswith("/") for one in servers.values())
    assert sum(one.startswith("http://") for one in servers.values()) < 5


@pytest.mark.parametrize("text", [b"", b"[]", b'{"publication": "x", "services": []}', b"\xff", b"[" * 5_000])
def test_what_is_not_the_list_is_refused(text: bytes) -> None:
    with pytest.raises(BadList):
        parse(text)


def test_https_comes_before_http() -> None:
    services = [[[f"t{number}"], ["http://a.test/x", "https://a.test/y"]] for number in range(NAMES_LEAST)]
    assert parse(json.dumps({"publication": "", "services": services}).encode())["t7"] == "https://a.test/y/"


@pytest.fixture
def source() -> Iterator[Callable[[bytes], str]]:
    """A web server that answers everything with the given bytes; returns its address."""
    said: list[bytes] = []

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(said[-1])))
            self.end_headers()
            self.wfile.write(said[-1])

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def address(body: bytes) -> str:
        said.append(body)
        return f"http://127.0.0.1:{server.server_address[1]}/dns.json"

    yield address
    server.shutdown()
    server.server_close()


def test_a_refresh_replaces_the_file_only_by_a_list(
    source: Callable[[bytes], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rdap.json"
    file.write_text("the one before")
    assert main([str(file), "--source", source(b"<html>moved</html>")]) == 1
    assert file.read_text() == "the one before" and "is as it was" in capsys.readouterr().err
    assert main([str(file), "--source", source(SHIPPED.read_bytes())]) == 0
    assert file.read_bytes() == SHIPPED.read_bytes() and "RDAP servers of" in capsys.readouterr().out

"""Server of metrics: its addresses, who may ask, and what a hostile client cannot do."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.process.health import Health
from probes.process.metrics.address import MetricsAddress, parse_metrics_address
from probes.process.metrics.server import answer, is_own_host
from tests.probes.loopback import closed_port


@pytest.fixture
def health() -> Iterator[Health]:
    made = Health("record", stale_after_s=15)
    made.mark_ready()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("127.0.0.1:9464", MetricsAddress("127.0.0.1", 9464)),
        ("0.0.0.0:9464", MetricsAddress("0.0.0.0", 9464)),
        ("[::1]:9464", MetricsAddress("::1", 9464)),
        ("unix:/run/vigil/dispatch.sock", MetricsAddress(path="/run/vigil/dispatch.sock")),
    ],
)
def test_an_address_is_a_host_and_port_or_a_socket(text: str, expected: MetricsAddress | None) -> None:
    found = parse_metrics_address(text)
    assert found == expected and (found is None or str(found) == text)


@pytest.mark.parametrize(
    "text",
    ["9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "metrics.example:9464", "a@127.0.0.1:1", "127.0.0.1:1/x",
     "unix:", "unix:relative", "unix:/run/vigil/", "unix:/" + "x" * 107],
)  # fmt: skip
def test_a_wrong_address_is_refused_with_what_it_should_look_like(text: str) -> None:
    with pytest.raises(ValueError, match=r"must look like 127\.0\.0\.1:9464"):
        parse_metrics_address(text)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9464", "200"),
        ("GET /metrics?x=1 HTTP/1.1\r\nhost: localhost", "200"),
        ("HEAD /metrics HTTP/1.1\r\nHost: [::1]:9464", "200"),
        ("GET /metrics HTTP/1.0", "200"),
        ("GET /metrics HTTP/1.1\r\nHost: rebound.example", "421"),
        ("GET / HTTP/1.1\r\nHost: localhost", "404"),
        ("POST /metrics HTTP/1.1\r\nHost: localhost", "405"),
        ("nonsense", "404"),
    ],
)
def test_only_metrics_are_here_and_only_for_names_of_this_machine(head: str, status: str) -> None:
    found = answer(head, lambda accepts: (b"text", "text/plain"), only_here=True).decode()
    assert found.split()[1] == status
    assert found.endswith("text") == (status == "200" and not head.startswith("HEAD"))


def test_an_open_address_takes_any_name_as_service_names_are_many() -> None:
    head = "GET /metrics HTTP/1.1\r\nHost: vigil-dispatch.vigil.svc:9464"
    assert answer(head, lambda accepts: (b"text", "text/plain"), only_here=False).startswith(b"HTTP/1.1 200")
    assert not is_own_host("vigil-dispatch.vigil.svc:9464")


def test_a_scraper_reads_a_process_on_its_own_address_and_on_the_port_of_its_health(health: Health) -> None:
    port, own = health.serve(closed_port()), closed_port()
    assert health.open_metrics(f"127.0.0.1:{own}") == ""
    for at in (port, own):
        with urllib.request.urlopen(f"http://127.0.0.1:{at}/metrics", timeout=30) as found:
            assert b'vigil_process_ready{process="record"} 1.0' in found.read()
    assert "set VIGIL_METRICS_ADDRESS" in Health("ingest", 15).open_metrics(f"127.0.0.1:{own}")


def test_a_scraper_reads_a_socket_and_one_that_was_left_is_replaced(health: Health, tmp_path: Path) -> None:
    path = tmp_path / "m.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert health.open_metrics(f"unix:{path}") == ""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(path))
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
    health.close()
    assert not path.exists()


def test_a_head_without_end_is_cut_off(health: Health) -> None:
    port = closed_port()
    health.open_metrics(f"127.0.0.1:{port}")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        try:
            client.sendall(b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 10_000)
            found = client.recv(100)
        except (ConnectionResetError, BrokenPipeError):
            found = b""
        assert found == b""

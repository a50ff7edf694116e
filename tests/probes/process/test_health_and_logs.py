"""Health and logs: what every process says of itself."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from probes.process.health import Health
from probes.text import without_credentials
from tests.probes.loopback import closed_port


@pytest.fixture
def health() -> Iterator[Health]:
    made = Health("probe-test", stale_after_s=0.2)
    yield made
    made.close()


def ask(port: int, path: str = "/healthz") -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_process_is_healthy_once_ready_and_until_it_goes_stale(health: Health) -> None:
    port = health.serve(closed_port())
    assert ask(port)[0] == 503
    health.mark_ready()
    health.beat(in_flight=3)
    code, report = ask(port)
    assert (code, report["process"], report["ready"], report["facts"]) == (200, "probe-test", True, {"in_flight": 3})
    deadline = time.monotonic() + 5
    while ask(port)[0] == 200:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    health.beat()
    assert ask(port)[0] == 200


def test_only_healthz_is_there(health: Health) -> None:
    assert ask(health.serve(closed_port()), "/secrets")[0] == 404


@pytest.mark.parametrize("port", [None, 0])
def test_no_port_serves_nothing(health: Health, port: int | None) -> None:
    assert health.serve(port) == 0


def test_a_taken_port_is_an_error(health: Health) -> None:
    port = health.serve(closed_port())
    with pytest.raises(OSError, match="in use"):
        Health("probe-other", 1).serve(port)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("redis://user:hunter2@host:6379/0", "redis://***@host:6379/0"),
        ("cannot reach redis://:hunter2@host, trying", "cannot reach redis://***@host, trying"),
        ("https://host/path?x=a@b", "https://host/path?x=a@b"),
        ("nobody@host", "nobody@host"),
    ],
)
def test_credentials_are_taken_out_of_addresses(text: str, clean: str) -> None:
    assert without_credentials(text) == clean


LOGGING = """
import logging
import structlog
from probes.process import logs
logs.configure("probe-test")
log = structlog.get_logger("x")
log.info("worker.ready", url="redis://u:hunter2@host/0", count=2)
logging.getLogger("third.party").warning("lost %s", "redis://:hunter2@host/0")
try:
    raise ValueError("redis://:hunter2@host/0")
except ValueError:
    log.exception("worker.broken")
try:
    raise OSError("Command # 1 (XADD a * body hunter2\\n) of pipeline caused error: ('WRONGTYPE no stream',)")
except OSError as error:
    log.exception("worker.broken", error=str(error))
"""


def test_every_line_of_a_log_is_key_value_with_the_process_and_without_password_or_payload() -> None:
    ended = subprocess.run([sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True, timeout=60)
    lines = ended.stderr.splitlines()
    assert ended.stdout == ""
    assert len(lines) == 4
    assert all(line.startswith("at=") and " process=probe-test " in line for line in lines)
    assert "event=worker.ready url=redis://***@host/0 count=2" in lines[0]
    assert "(***) of pipeline caused error: ('WRONGTYPE no stream',)" in lines[3]
    assert "hunter2" not in ended.stderr

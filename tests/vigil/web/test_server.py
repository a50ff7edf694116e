"""The web process serves, says when it cannot, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import until

WEB = [sys.executable, "-m", "vigil.cli", "run", "web"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refused:
        refused.close()
        return False
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    process = subprocess.Popen([*WEB, "--port", str(port)], env={**os.environ, "VIGIL_HEALTH_PORT": "0"})
    try:
        until(lambda: answers(port), "the server", within_s=30)
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def test_it_serves_and_stops_when_told(server: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = server
    workers = children_of(process.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    until(lambda: not any(alive(pid) for pid in workers))
    assert not answers(port)


def test_a_worker_ends_with_a_server_that_was_killed(server: tuple[subprocess.Popen[bytes], int]) -> None:
    process, _ = server
    workers = children_of(process.pid)
    assert workers
    process.kill()
    process.wait(10)
    until(lambda: not any(alive(pid) for pid in workers))


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([*WEB, "--port", str(port)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"vigil: cannot listen on 127.0.0.1:{port}")
    assert done.stderr.count("\n") == 1

"""The demo's own servers as the processes they are, for tests that talk to them over real sockets."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from vigil.local.servers import ports

SECRET = "whsec_" + base64.b64encode(b"the secret of the demo channel").decode()


@dataclass(frozen=True)
class ProviderUnderTest:
    port: int
    control: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def become(self, **state: object) -> httpx.Response:
        return httpx.post(f"http://127.0.0.1:{self.control}/state", json=state)


@pytest.fixture
def started() -> Iterator[Callable[[list[str], int], None]]:
    """Starts a module as a process and returns once its /healthz answers; ends it after the test."""
    children: list[subprocess.Popen[bytes]] = []

    def start(arguments: list[str], health_port: int) -> None:
        env = {**os.environ, "VIGIL_RECEIVER_SECRET": SECRET}
        children.append(subprocess.Popen([sys.executable, "-m", *arguments], env=env, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 15
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{health_port}/healthz")
                return
            except httpx.TransportError:
                if time.monotonic() > deadline or children[-1].poll() is not None:
                    raise
                time.sleep(0.02)

    yield start
    for child in children:
        child.terminate()
        assert child.wait(5) == 0


@pytest.fixture
def provider(started: Callable[[list[str], int], None]) -> ProviderUnderTest:
    port = ports.take_free_port()
    control = ports.take_free_port()
    started(["vigil.demo.provider", "--port", str(port), "--control-port", str(control)], control)
    return ProviderUnderTest(port, control)


@pytest.fixture
def receiver(started: Callable[[list[str], int], None]) -> str:
    port = ports.take_free_port()
    started(["vigil.demo.receiver", "--port", str(port)], port)
    return f"http://127.0.0.1:{port}"

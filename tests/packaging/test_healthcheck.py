"""The container's health check: ready or live by the process's own word, and nothing is ended outside a container."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from probes.process.health import Health
from tests.probes.loopback import closed_port
from tests.standins import is_alive

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def check(port: int, *arguments: str, **more: str) -> int:
    command = [sys.executable, str(DEPLOY / "healthcheck.py"), *arguments]
    return subprocess.run(command, env={"VIGIL_HEALTH_PORT": str(port)} | more, timeout=30, check=False).returncode


@pytest.fixture
def health() -> Iterator[Health]:
    made = Health("dispatch", stale_after_s=60)
    yield made
    made.close()


def test_a_process_whose_servers_are_away_is_live_and_not_ready(health: Health) -> None:
    port = health.serve(closed_port())
    assert (check(port), check(port, "live")) == (1, 0)
    health.mark_ready()
    assert (check(port), check(port, "live")) == (0, 0)


def test_a_proxy_that_the_engine_names_is_not_asked(health: Health) -> None:
    port, proxy = health.serve(closed_port()), f"http://127.0.0.1:{closed_port()}"
    health.mark_ready()
    assert check(port, http_proxy=proxy, HTTP_PROXY=proxy) == 0


def test_outside_a_container_a_stopped_process_is_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]) as other:
        other.send_signal(signal.SIGSTOP)
        assert check(closed_port(), "live") == 1
        assert is_alive(other.pid)
        other.kill()


def test_the_first_process_of_a_container_is_an_init_so_that_a_stopped_one_can_be_ended() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    ours = {name for name, service in services.items() if service["image"].startswith("vigil-")}
    assert {name for name, service in services.items() if service.get("init")} == ours
    assert all(services[name]["restart"] == "unless-stopped" for name in ours - {"migrate"})

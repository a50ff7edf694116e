"""`manage.py up`: everything ready, a login that works once, state that survives, nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from tests.standins import is_alive
from tests.waiting import until

CHECKOUT = Path(__file__).resolve().parents[2]
ENV = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "DJANGO_"))}
ENV |= {"PYTHONPATH": str(CHECKOUT)}

pytestmark = [pytest.mark.xdist_group("machine"), pytest.mark.timeout(180)]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "vigil.cli", *arguments]


def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env=ENV | (env or {}), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )


class Up:
    """A running `up --json`, and what it said when it was ready."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            command("up", "--json", "--data-dir", str(data), *arguments),
            env=ENV,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=30)[1]
        self.said: dict[str, Any] = json.loads(line)

    @property
    def pids(self) -> list[int]:
        """Every process below it now, however deep."""
        below, parents = [], {self.process.pid}
        listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
        while found := [pid for pid, parent in pairs if parent in parents and pid not in below]:
            below += found
            parents = set(found)
        return below

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(30)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        return code


@pytest.fixture
def data() -> Iterator[Path]:
    # Not tmp_path: pytest closes that to other accounts, and root's PostgreSQL runs as one.
    path = Path(tempfile.mkdtemp(prefix="vigil-up-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def open_page(url: str) -> tuple[int, str]:
    """The status and final address of a page, redirects followed and cookies kept."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    try:
        with opener.open(url, timeout=20) as answer:
            return answer.status, answer.url
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.url


def test_up_is_ready_logs_in_once_and_stops_clean(data: Path) -> None:
    up = Up(data)
    try:
        assert {"postgres", "redis", "consensus", "dispatch", "ingest", "record", "deliver", "web"} < set(
            up.said["processes"]
        )
        assert sum(name.startswith("worker-") for name in up.said["processes"]) == 3
        assert open_page(up.said["login_link"]) == (200, f"{up.said['address']}/admin/")
        status, address = open_page(up.said["login_link"])
        assert status >= 400 or "login" in address
        regions = json.loads(run("region", "list", "--json", "--data-dir", str(data)).stdout)
        assert [(region["name"], region["reports"]) for region in regions] == [
            (f"local-{number}", True) for number in (1, 2, 3)
        ]
        second = run("up", "--data-dir", str(data))
        assert second.returncode != 0
        assert second.stderr.startswith(f"vigil: already running (pid {up.process.pid}) at {up.said['address']}")
        below = up.pids
    finally:
        code = up.stop(signal.SIGINT)
    assert code == 0
    assert not any(map(is_alive, below))


def test_nothing_outlives_a_killed_up_and_its_state_survives(data: Path) -> None:
    up = Up(data)
    enrolled = run("region", "add", "eu-west", "--domain", "aws", "--json", "--data-dir", str(data))
    assert set(json.loads(enrolled.stdout)) == {"VIGIL_REGION", "VIGIL_REGION_KEY", "VIGIL_EGRESS"}
    below = up.pids
    assert len(below) > 10
    up.stop(signal.SIGKILL)
    until(lambda: not any(map(is_alive, below)))
    again = Up(data)
    try:
        regions = json.loads(run("region", "list", "--json", "--data-dir", str(data)).stdout)
        assert "eu-west" in [region["name"] for region in regions]
        assert again.said["address"] == up.said["address"]
        refused = run("region", "add", "eu-west", "--domain", "aws", "--data-dir", str(data))
        assert (refused.returncode, refused.stderr) == (
            2,
            "vigil: region eu-west exists already: --replace-key gives its worker a new key\n",
        )
        unknown = run("login", "nobody", "--data-dir", str(data))
        assert unknown.stderr.startswith("vigil: there is no active user `nobody`")
    finally:
        again.stop()

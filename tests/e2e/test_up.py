"""`manage.py up`: everything ready, a login that works once, state that survives, nothing left behind."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from redis import Redis
from redis.exceptions import AuthenticationError, ConnectionError

from probes import keys
from tests.e2e.up import CHECKOUT, ENV, Up, command, run, sign_in
from tests.standins import is_alive
from tests.waiting import until

pytestmark = [pytest.mark.xdist_group("machine"), pytest.mark.timeout(300)]


@pytest.fixture
def data() -> Iterator[Path]:
    # Not tmp_path: pytest closes that to other accounts, and root's PostgreSQL runs as one.
    path = Path(tempfile.mkdtemp(prefix="vigil-up-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def refused_in_redis(data: Path) -> set[tuple[bytes, bytes]]:
    """User and command of all that the installation's Redis has refused."""
    settings = dict(line.split(" ", 1) for line in (data / "redis" / "redis.conf").read_text().splitlines())
    with Redis(port=int(settings["port"]), password=settings["requirepass"]) as admin:
        log = admin.execute_command("ACL", "LOG") or []
    return {(entry[b"username"], entry[b"object"]) for entry in log}


def answers(url: str, region: str) -> bool:
    """Whether Redis takes a region's worker at this address."""
    with Redis.from_url(url, driver_info=None) as worker:
        try:
            worker.get(keys.status(region))
        except (AuthenticationError, ConnectionError):
            return False
    return "//worker-eu-west:" in url


class Proxy(BaseHTTPRequestHandler):
    """A LiteLLM proxy whose health page bills each call."""

    calls: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.calls.append(self.path)
        body = b'{"healthy_endpoints": [{}], "unhealthy_endpoints": [], "healthy_count": 1, "unhealthy_count": 0}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


def paused_by_its_first_answers(data: Path) -> None:
    """F6: a monitor of LiteLLM's /health is paused after one answer for each region at most, and says why."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{proxy.server_port}/health"
        made = run("monitor", "add", url, "--name", "Gateway", "--every", "6s", "--data-dir", str(data))
        assert made.returncode == 0, made.stderr

        def gateway() -> dict[str, Any]:
            listed = json.loads(run("monitor", "list", "--json", "--data-dir", str(data)).stdout)
            return next(one for one in listed if one["name"] == "Gateway")

        until(lambda: gateway()["status"] == "paused", within_s=30)
        assert "Gateway: paused by Vigil" in run("doctor", "--json", "--data-dir", str(data)).stdout
        calls = len(Proxy.calls)
        assert 1 <= calls <= 3
        proxy.shutdown()


def every_process_tells_its_metrics(data: Path) -> None:
    """The targets for Prometheus name every process, and each answers; what regions did is counted on the way."""

    def told() -> dict[str, str]:
        found = {}
        for target in json.loads((data / "metrics-targets.json").read_text()):
            with urllib.request.urlopen(f"http://{target['targets'][0]}/metrics", timeout=30) as answer:
                found[target["labels"]["instance"]] = answer.read().decode()
        return found

    def has_counted() -> bool:
        texts = told()
        wanted = {
            "dispatch": "vigil_checks_sent_total{",
            "worker-": "vigil_checks_total{",
            "record": "vigil_results_recorded_total",
            "web": "vigil_dead_letters{",
        }
        assert all("vigil_build_info{" in text for text in texts.values())
        return all(
            any(line in text for process, text in texts.items() if process.startswith(name))
            for name, line in wanted.items()
        )

    until(has_counted, "every process to have counted", within_s=60)


def an_assistant_is_answered(data: Path) -> None:
    """An assistant that starts the command itself may read; the token that it had ends with it."""

    async def ask() -> tuple[set[str], Any]:
        start, *arguments = command("mcp", "--stdio", "--data-dir", str(data))
        async with Client(stdio_client(StdioServerParameters(command=start, args=arguments, env=ENV))) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            return tools, await client.call_tool("list_regions", {})

    tools, regions = asyncio.run(ask())
    assert "explain_state" in tools and "silence" not in tools
    assert {row["slug"] for row in regions.structured_content["regions"]} == {"local-1", "local-2", "local-3"}
    assert "assistant" not in run("token", "list", "--data-dir", str(data)).stdout


def test_up_is_ready_logs_in_once_and_stops_clean(data: Path) -> None:
    up = Up(data)
    try:
        assert {"postgres", "redis", "consensus", "dispatch", "ingest", "record", "deliver", "web"} < set(
            up.said["processes"]
        )
        assert sum(name.startswith("worker-") for name in up.said["processes"]) == 3
        assert sign_in(up.said["login_link"]) == (200, f"{up.said['address']}/start")
        assert sign_in(up.said["login_link"])[0] == 403
        assert up.said["login_link_lifetime_s"] == 3600
        regions = json.loads(run("region", "list", "--json", "--data-dir", str(data)).stdout)
        assert [(region["name"], region["reports"]) for region in regions] == [
            (f"local-{number}", True) for number in (1, 2, 3)
        ]
        assert refused_in_redis(data) == set(), "a worker or consensus sent what its Redis user may not"
        paused_by_its_first_answers(data)
        every_process_tells_its_metrics(data)
        an_assistant_is_answered(data)
        second = run("up", "--data-dir", str(data))
        assert second.returncode != 0
        assert second.stderr.startswith(f"vigil: already running (pid {up.process.pid}) at {up.said['address']}")
        below = up.pids
    finally:
        code = up.stop(signal.SIGINT)
    assert code == 0
    assert not any(map(is_alive, below))


def walks_to_its_votes(identity: Path, up: Up, data: Path) -> None:
    """A real worker with this identity connects, checks, agrees in shadow and votes."""
    made = run(
        "monitor", "add", f"{up.said['address']}/healthz", "--name", "w", "--every", "5s", "--data-dir", str(data)
    )
    assert made.returncode == 0, made.stderr
    command = [sys.executable, "-m", "probes", "--identity", str(identity)]
    with subprocess.Popen(command, cwd=CHECKOUT, env=ENV | {"VIGIL_EGRESS": "private"}) as process:
        try:

            def votes() -> bool:
                listed = json.loads(run("region", "list", "--json", "--data-dir", str(data)).stdout)
                [region] = [one for one in listed if one["name"] == "eu-west"]
                return bool(region["reports"] and region["votes"])

            until(votes, "the votes of a new region", within_s=60)
        finally:
            process.terminate()


def test_nothing_outlives_a_killed_up_and_its_state_survives(data: Path) -> None:
    up = Up(data)
    added = run("region", "add", "eu-west", "--domain", "aws", "--egress", "private", "--data-dir", str(data))
    line = next(one for one in added.stdout.splitlines() if "probe enrol" in one).removesuffix(" --run")
    identity = data / "identity.json"
    environment, command, *words = line.replace("python3", sys.executable).split()
    assert environment == "VIGIL_EGRESS=private" and command == sys.executable
    enrolled = subprocess.run(
        [command, *words, "--file", str(identity)], cwd=CHECKOUT, capture_output=True, text=True, timeout=60
    )
    assert enrolled.returncode == 0, enrolled.stderr
    worker = json.loads(identity.read_text())
    assert not any(worker[name] in enrolled.stdout + enrolled.stderr for name in ("key", "redis_url"))
    assert answers(worker["redis_url"], "eu-west")
    walks_to_its_votes(identity, up, data)
    below = up.pids
    assert len(below) > 10
    up.stop(signal.SIGKILL)
    until(lambda: not any(map(is_alive, below)))
    again = Up(data)
    try:
        regions = json.loads(run("region", "list", "--json", "--data-dir", str(data)).stdout)
        assert "eu-west" in [region["name"] for region in regions]
        assert again.said["address"] == up.said["address"]
        until(lambda: answers(worker["redis_url"], "eu-west"), "n22: its Redis user outlives the start")
        refused = run("region", "add", "eu-west", "--domain", "aws", "--data-dir", str(data))
        assert (refused.returncode, refused.stderr) == (
            2,
            "vigil: region eu-west exists already: `region rotate eu-west` gives its worker new keys\n",
        )
        unknown = run("login", "nobody", "--data-dir", str(data))
        assert unknown.stderr.startswith("vigil: there is no active user `nobody`")
    finally:
        again.stop()

"""A real HTTP receiver, rows to tell of, and a sender that runs beside the test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from probes.process.health import Health
from tests import waiting

if TYPE_CHECKING:
    from vigil.alerts.models import Channel
    from vigil.incidents.models import Incident, Transition

# This file is read before Django is configured, so models are imported where they are used.

EVIDENCE = {
    "n": 3, "m": 2, "k": 2, "domains": 2, "decided_ms": 1_000_000, "explanation": "2 of 2", "rule": 1,
    "votes": [
        {"region": "eu", "domain": "a", "look": 1, "status": "down", "reason": "timeout", "at_ms": 998_500,
         "attempts": 2, "code": 0, "detail": "", "phases": {"total_us": 10_000_000}},
        {"region": "us", "domain": "b", "look": 1, "status": "down", "reason": "refused", "at_ms": 999_500,
         "attempts": 2, "code": 0, "detail": "", "phases": {"total_us": 900}},
    ],
    "excluded": [{"region": "ap", "domain": "c", "why": "dark", "look": 0}],
}  # fmt: skip


class Receiver:
    """Keeps what it is sent; `answers` says how to answer a path: a status, (status, headers), the same with a JSON
    document, or `hang`."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.answers: dict[str, list[Any]] = {}
        self.release = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def at(self, path: str) -> list[dict[str, Any]]:
        return [post for post in self.posts if post["path"] == path]

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                post = {"path": self.path, "headers": headers, "raw": body, "body": json.loads(body), "at": time.time()}
                receiver.posts.append(post)
                queue = receiver.answers.get(self.path, [])
                answer = queue.pop(0) if len(queue) > 1 else (queue[0] if queue else 200)
                if answer == "hang":
                    receiver.release.wait(30)
                    return
                status, extra, *document = answer if isinstance(answer, tuple) else (answer, {})
                said = json.dumps(document[0]).encode() if document else b""
                self.send_response(status)
                for name, value in {"content-length": str(len(said)), **extra}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None:
                """The test looks at `posts`."""

        return Handler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.release.set()
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def webhook(receiver: Receiver) -> Callable[..., Channel]:
    """Makes a webhook channel that posts to a path of the receiver."""
    from vigil.accounts.teams import default_team
    from vigil.alerts.channel_changes import save_channel
    from vigil.alerts.models import Channel

    def make(path: str, **wanted: Any) -> Channel:
        channel = Channel(team=default_team())
        config = {"url": receiver.url(path)}
        return save_channel(channel, {"name": path, "kind": "webhook", "config": config, **wanted})

    return make


@pytest.fixture
def step() -> Callable[..., Transition]:
    """Makes the next step of an incident, which it opens if none is given."""
    from vigil.accounts.teams import default_team
    from vigil.clock import database_now
    from vigil.incidents.models import Incident, Transition
    from vigil.monitors.models import Monitor

    def make(step: str = "opened", incident: Incident | None = None, kind: str = "outage", **fields: Any) -> Transition:
        now = database_now()
        if incident is None:
            tags = fields.pop("tags", [])
            team = default_team()
            monitor = Monitor.objects.create(
                team=team, name=f"m{time.monotonic_ns()}", kind="http", config={"url": "http://x.test/h"}, tags=tags
            )
            incident = Incident.objects.create(
                team=team, monitor=monitor, kind=kind, title="m is down", failure="timeout", started_at=now,
                opened_at=now,
            )  # fmt: skip
        incident.steps += 1
        incident.save()
        reason = {"opened": "confirmed", "resolved": "recovered"}.get(step, "flapping")
        evidence = fields.pop("evidence", EVIDENCE)
        return Transition.objects.create(
            incident=incident, seq=incident.steps, step=step, reason=reason, at=now, evidence=evidence, **fields
        )

    return make


@pytest.fixture
def sender() -> Iterator[None]:
    """A sender that delivers while the test runs."""
    with sending():
        yield


@contextlib.contextmanager
def sending() -> Iterator[None]:
    from vigil.alerts.delivery.http_client import GuardedOutbound
    from vigil.alerts.delivery.service import Sender
    from vigil.configuration import AlertEgress

    started = threading.Event()
    box: dict[str, Any] = {}

    async def run() -> None:
        outbound = GuardedOutbound(AlertEgress.PRIVATE)
        box["loop"], box["sender"] = asyncio.get_running_loop(), Sender(outbound, Health("deliver", 30))
        started.set()
        await box["sender"].run()
        await outbound.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    started.wait(10)
    try:
        yield
        assert thread.is_alive(), "it has ended"
    finally:
        if thread.is_alive():
            box["loop"].call_soon_threadsafe(box["sender"].stop)
        thread.join(20)


@pytest.fixture
def senders(sender: None) -> Iterator[None]:
    """Two of them, as in an installation with a standby; neither may have ended."""
    with sending():
        yield


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits until a condition holds; fails the test if it does not in time."""
    return waiting.until


@pytest.fixture
def process() -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts `deliver` as a process of its own on this test's database."""
    from django.db import connection

    started: list[subprocess.Popen[bytes]] = []
    name = connection.settings_dict["NAME"]
    url = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"

    def start() -> subprocess.Popen[bytes]:
        environment = {**os.environ, "VIGIL_DATABASE_URL": url, "VIGIL_HEALTH_PORT": "0"}
        one = subprocess.Popen([sys.executable, "-m", "vigil.cli", "deliver"], env=environment)
        started.append(one)
        return one

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
        one.wait(10)

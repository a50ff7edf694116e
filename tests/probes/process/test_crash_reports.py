"""Crashes of every kind reach Sentry by its own transport, over real HTTP, before the process is gone."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time

import pytest

from tests.probes.loopback import closed_port
from tests.probes.process.sentry_receiver import SentryReceiver, receiving_reports

CANARY = "canary-obviously-fake-secret"
_BEGIN = """
import asyncio, logging, os, sys, threading, time
from probes.process import logs, sentry
logs.configure("probe-eu-west")
sentry.configure(sys.argv[1], "probe-eu-west")

def breaks():
    bearer = headers = body = "{canary}"
    raise RuntimeError("Bearer {canary} at https://u:{canary}@h.example/{canary}?key={canary}")
"""
_WEB = """
import io
import django.urls
os.environ["DJANGO_SETTINGS_MODULE"] = "vigil.settings"
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
import vigil.urls
from vigil.heartbeats.receiving.asgi import AsgiPings
from vigil.web.serving.server import WebServer, respond
vigil.urls.urlpatterns.insert(0, django.urls.path("broken", lambda request: breaks()))
"""
_SCOPE = """
scope = {"type": "http", "method": "GET", "path": "/broken", "query_string": b"key={canary}", "http_version": "1.1",
         "headers": [(b"authorization", b"Bearer {canary}"), (b"cookie", b"sessionid={canary}"), 
                     (b"host", b"localhost")]}
"""
#: Each way in which a process of ours comes to grief.
CRASHES = {
    "uncaught": "breaks()",
    "loop": "import uvloop\nasync def main():\n    breaks()\nuvloop.run(main())",
    "thread": "thread = threading.Thread(target=breaks)\nthread.start()\nthread.join()",
    "forgotten task": (
        "async def main():\n    async def one():\n        breaks()\n    asyncio.ensure_future(one())\n"
        "    await asyncio.sleep(0)\n    await asyncio.sleep(0)\nasyncio.run(main())"
    ),
    "hard exit": (
        "import structlog\ntry:\n    breaks()\nexcept RuntimeError:\n"
        "    structlog.get_logger().exception('worker.broken')\n    sentry.flush()\n    os._exit(70)"
    ),
    "dead letter": (
        "from probes.process.isolation import Isolation\n"
        "class Kept:\n    def keep(self, letter): pass\n"
        "Isolation('ingest', Kept(), lambda error: '', time.monotonic).apply_rows('row', ['1'], lambda rows: breaks())"
    ),
    "library": (
        "try:\n    breaks()\nexcept RuntimeError:\n    logging.getLogger('celery.app.trace').error('x', exc_info=True)"
    ),
    "page": (
        _WEB + _SCOPE + "from vigil.web.serving.server import environ_of\nrespond(application, environ_of(scope, b''))"
    ),
}  # fmt: skip


def started(program: str, dsn: str) -> subprocess.Popen[str]:
    words = "only-for-checks-" * 4
    environment = os.environ | {
        "VIGIL_DATABASE_URL": f"postgresql://u:{CANARY}@127.0.0.1:1/none",
        "VIGIL_REDIS_URL": f"redis://:{CANARY}@127.0.0.1:1/0",
        "VIGIL_SECRET_KEY": words,
        "VIGIL_SEAL_KEYS": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    }
    return subprocess.Popen(
        [sys.executable, "-c", program.replace("{canary}", CANARY), dsn],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


@pytest.fixture(scope="module")
def reports() -> dict[str, SentryReceiver]:
    """What arrived of each crash; all of them run at once."""
    found: dict[str, SentryReceiver] = {}
    with contextlib.ExitStack() as stack:
        running = []
        for name, crash in CRASHES.items():
            found[name] = stack.enter_context(receiving_reports())
            running.append(started(_BEGIN + crash, found[name].dsn))
        for one in running:
            one.communicate(timeout=60)
    return found


@pytest.mark.parametrize("name", CRASHES)
def test_f0_every_crash_is_reported_once_before_the_process_is_gone(
    reports: dict[str, SentryReceiver], name: str
) -> None:
    (event,) = reports[name].events()
    assert '"function":"breaks"' in event.replace(" ", "")
    assert "probe-eu-west" in event


@pytest.mark.parametrize("name", CRASHES)
def test_f0_no_report_holds_a_secret(reports: dict[str, SentryReceiver], name: str) -> None:
    assert CANARY not in "".join(reports[name].bodies + reports[name].heads)


def test_f0_a_receiver_that_never_answers_holds_the_end_up_for_two_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began_s = time.monotonic()
        crash = started(
            _BEGIN + "print(time.monotonic(), flush=True)\nbreaks()", f"http://p@127.0.0.1:{silent.getsockname()[1]}/7"
        )
        said, _ = crash.communicate(timeout=30)
    took_s = time.monotonic() - float(said)
    assert began_s < float(said)
    assert 1.5 < took_s < 6


def test_f0_a_receiver_that_is_away_holds_nothing_up() -> None:
    crash = started(_BEGIN + "breaks()", f"http://p@127.0.0.1:{closed_port()}/7")
    _, errors = crash.communicate(timeout=30)
    assert "RuntimeError" in errors
    assert crash.returncode == 1

"""Receivers of pings beside the tests: in a thread of this process, or as processes that can be killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvloop
from cryptography.fernet import Fernet

from probes.process.health import Health
from tests.waiting import until
from vigil.local.servers import ports

CHECKOUT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Reply:
    code: int
    headers: dict[str, str]
    text: str


def ask(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Reply:
    """One call, and what it was answered."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return Reply(answer.status, dict(answer.headers), answer.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            return Reply(refused.code, dict(refused.headers), refused.read().decode())


class Listening:
    """A receiver in a thread of this process."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self.port = ports.take_free_port()
        self._started = threading.Event()
        self.loop = uvloop.new_event_loop()
        self._urls = database_url, redis_url
        self._thread = threading.Thread(target=self.loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._thread.start()
        assert self._started.wait(10)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def wait_settled(self) -> None:
        """Wait until it has read what it wants from PostgreSQL; cut off earlier, half a connection would stay."""
        until(lambda: self.at_work.clock.corrected and self.at_work.known.names is not None)

    async def _serve(self) -> None:
        from vigil.client_address import parse_networks
        from vigil.configuration import Configuration
        from vigil.heartbeats.receiving.http_server import PingServer
        from vigil.heartbeats.receiving.service import receiving

        database_url, redis_url = self._urls
        configuration = Configuration(
            database_url=database_url,  # type: ignore[arg-type]
            redis_url=redis_url,  # type: ignore[arg-type]
            ping_redis_url=redis_url,  # type: ignore[arg-type]
            secret_key="only-for-tests-" * 4,  # type: ignore[arg-type]
            seal_keys=Fernet.generate_key().decode(),  # type: ignore[arg-type]
        )
        async with receiving(configuration, Health("ping", 15)) as self.at_work:
            server = self.server = PingServer(
                self.at_work.receiver, lambda: self.at_work.log.writes, parse_networks("127.0.0.9")
            )
            closing = asyncio.create_task(server.close_idle())
            listening = await server.listen("127.0.0.1", self.port)
            self._stop = asyncio.Event()
            self._started.set()
            await self._stop.wait()
            closing.cancel()
            listening.close()
            server.close_when_answered()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self.loop.close()


@pytest.fixture
def test_database_url(transactional_db: None) -> str:
    """The address of the database that this test's rows are in."""
    from django.db import connection

    return os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + "/" + str(connection.settings_dict["NAME"])


@pytest.fixture
def receiver(test_database_url: str, redis_url: str) -> Iterator[Listening]:
    listening = Listening(test_database_url, redis_url)
    listening.wait_settled()
    yield listening
    listening.close()


def start(command: list[str], **env: str) -> subprocess.Popen[bytes]:
    """A process of the control plane; the caller ends it."""
    return subprocess.Popen(
        [sys.executable, "-m", "vigil.cli", *command],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(10)
    if process.stderr is not None:
        process.stderr.close()

"""A real web process serves a status page also while PostgreSQL and Redis are down, and after a start without them."""

from __future__ import annotations

import contextlib
import gzip
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import psycopg
import pytest

from tests.vigil.heartbeats.conftest import Reply, ask, end, start
from tests.waiting import until
from vigil.local.servers import ports, postgres
from vigil.local.servers import redis as local_redis

pytestmark = [pytest.mark.xdist_group("machine"), pytest.mark.timeout(300)]

PASSWORD = "obviously-fake-password-of-tests"
_TEAM = "INSERT INTO accounts_team (public_id, name, slug) VALUES ('team_1', 'Secret', 'secret') RETURNING id"
_PAGE = """
INSERT INTO status_statuspage (public_id, team_id, slug, title, header, footer, visibility, access, enabled, revision,
    created_at, updated_at) VALUES (%s, %s, %s, %s, '', '', 'public', '', true, %s, now(), now())
"""


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("status")
    for folder in (found, *found.parents[:2]):
        folder.chmod(0o711)
    return found


@contextlib.contextmanager
def serving(database_url: str, redis_url: str, home: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = ports.take_free_port()
    process = start(
        ["run", "web", "--port", str(port)],
        VIGIL_DATABASE_URL=database_url,
        VIGIL_REDIS_URL=redis_url,
        VIGIL_PING_REDIS_URL=redis_url,
        VIGIL_DATA_DIR=str(home / "data"),
    )
    try:
        yield f"http://127.0.0.1:{port}/status", process
    finally:
        process.terminate()
        process.wait(20)
        end(process)


def answered(address: str, code: int = 200) -> Reply | None:
    with contextlib.suppress(OSError):
        reply = ask(address)
        return reply if reply.code == code else None
    return None


def insert(database_url: str, slug: str, title: str) -> None:
    with psycopg.connect(database_url) as connection:
        team = (
            connection.execute("SELECT id FROM accounts_team ORDER BY id").fetchone()
            or connection.execute(_TEAM).fetchone()
        )
        assert team is not None
        connection.execute(_PAGE, [f"stp_{slug}", team[0], slug, title, 1])


def whole(address: str) -> None:
    """The page with its tag, compressed where it is wanted, and its document for programs."""
    page = ask(f"{address}/acme")
    assert page.code == 200 and "Acme AI" in page.text and "max-age=5" in page.headers["cache-control"]
    assert ask(f"{address}/acme", "GET", None, **{"If-None-Match": page.headers["etag"]}).code == 304
    assert json.loads(ask(f"{address}/acme/api/v2/summary.json").text)["page"]["name"] == "Acme AI"
    for coding, unpack in (("gzip", gzip.decompress), ("br", brotli.decompress)):
        packed = urllib.request.Request(f"{address}/second", headers={"Accept-Encoding": coding})
        with urllib.request.urlopen(packed, timeout=10) as answer:
            assert b"Second" in unpack(answer.read())
    # Kubernetes keeps sending it readers.
    assert ask(f"{address.removesuffix('/status')}/startz").code == 200


def test_a_page_is_served_while_postgresql_and_redis_are_down(home: Path) -> None:
    with contextlib.ExitStack() as running:
        with (
            postgres.running(home, PASSWORD, home / "postgres.log") as database,
            local_redis.running(home, PASSWORD, home / "redis.log") as broker,
        ):
            migrate = start(["migrate", "--no-input"], VIGIL_DATABASE_URL=database.url, VIGIL_REDIS_URL=broker.url)
            assert migrate.wait(120) == 0
            end(migrate)
            insert(database.url, "acme", "Acme AI")
            address, process = running.enter_context(serving(database.url, broker.url, home))
            until(lambda: answered(f"{address}/acme"), "the page", 60)
            # What is new is there by itself.
            insert(database.url, "second", "Second")
            until(lambda: answered(f"{address}/second"), "the second page")
            whole(address)
        # Both servers are stopped now.
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(database.url, connect_timeout=2)
        whole(address)
        assert process.poll() is None
    with serving(database.url, broker.url, home) as (address, process):
        until(lambda: answered(f"{address}/acme"), "the page after a start without servers", 60)
        whole(address)
        assert process.poll() is None

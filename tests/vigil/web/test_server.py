"""The web process under slow, silent and odd clients: pages, API and pings answer meanwhile."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from probes import keys
from tests.streams import entries
from tests.vigil.heartbeats import fuzz
from tests.vigil.heartbeats.conftest import Reply, ask, end, start
from tests.vigil.heartbeats.jobs import job
from tests.waiting import until
from vigil.heartbeats.core.wire import Ping, decode
from vigil.local.servers import ports

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("machine")]


@pytest.fixture
def web(redis_url: str, transactional_db: None) -> Iterator[int]:
    """The port of a real `web` process, which must still be the same one at the end."""
    from django.db import connection

    from vigil.configuration import configuration

    database_url = configuration().database_url.get_secret_value().rsplit("/", 1)[0]
    port = ports.take_free_port()
    process = start(
        ["run", "web", "--port", str(port)],
        VIGIL_DATABASE_URL=f"{database_url}/{connection.settings_dict['NAME']}",
        VIGIL_REDIS_URL=redis_url,
        VIGIL_PING_REDIS_URL=redis_url,
    )

    def up() -> bool:
        with contextlib.suppress(OSError):
            return ask(f"http://127.0.0.1:{port}/healthz").code == 200
        return False

    until(up, within_s=60)
    workers = children(process.pid)
    yield port
    assert process.poll() is None, "the process has ended"
    assert children(process.pid) == workers, "its worker has ended"
    process.terminate()
    process.wait(15)
    end(process)


def children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


def within_s(port: int, path: str, method: str = "GET", body: bytes | None = None) -> tuple[Reply, float]:
    begun_s = time.monotonic()
    reply = ask(f"http://127.0.0.1:{port}{path}", method, body)
    return reply, time.monotonic() - begun_s


def everything_answers(port: int, limit_s: float = 1.0) -> None:
    for path, code in (("/healthz", 200), ("/api/v1/monitors", 401), (f"/ping/{uuid.uuid4()}", 200)):
        reply, took_s = within_s(port, path)
        assert reply.code == code, path
        assert took_s < limit_s, path


def opened(port: int, count: int, said: bytes = b"") -> list[socket.socket]:
    found = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(count)]
    for connection in found:
        connection.sendall(said)
    return found


class Dripping(threading.Thread):
    """A byte on each of these connections ten times a second, until told to stop."""

    def __init__(self, connections: list[socket.socket]) -> None:
        super().__init__(daemon=True)
        self._connections, self._enough = connections, threading.Event()

    def run(self) -> None:
        while not self._enough.wait(0.1):
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.sendall(b"x")

    def stop(self) -> None:
        self._enough.set()
        self.join(10)
        for connection in self._connections:
            connection.close()


@pytest.mark.parametrize("path", ["/hooks/x", "/ping/0f3c8f4e-5a54-4d3e-9d0e-0d3f9a1b2c3d", "/admin/login/"])
def test_s13_bodies_that_drip_stop_nothing(web: int, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n".encode()
    chunked = f"POST {path} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2710\r\n".encode()
    dripping = Dripping(opened(web, 40, head) + opened(web, 40, chunked))
    dripping.start()
    try:
        for _ in range(3):
            everything_answers(web)
    finally:
        dripping.stop()


def test_three_hundred_silent_connections_stop_nothing(web: int) -> None:
    silent = opened(web, 300) + opened(web, 300, b"GET / HT") + opened(web, 100, b"GET / HTTP/1.1\r\nHost: x\r\n")
    try:
        for _ in range(3):
            everything_answers(web)
    finally:
        for connection in silent:
            connection.close()


def test_a_body_that_is_too_long_is_refused_before_it_is_read(web: int) -> None:
    for path, length in (("/hooks/x", 5_000_000), (f"/ping/{uuid.uuid4()}", 11_000_000)):
        head = f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n".encode()
        [connection] = opened(web, 1, head)
        with connection:
            assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_p1_thousands_of_pipelined_odd_requests_leave_the_pages_answered(web: int) -> None:
    known = f"/ping/{uuid.uuid4()}".encode()
    paths = [known, b"/", b"/healthz", b"/hooks/%00", b"/badge/%ff.svg", b"*", b"/\xff?%"]
    fuzz.pipeline(web, fuzz.http(paths), seed=13, requests=2_000, together=8)
    everything_answers(web, limit_s=3.0)


def test_pings_at_the_address_of_the_pages_are_written_like_others(web: int, redis_url: str) -> None:
    row = job()
    assert within_s(web, f"/ping/{row.code}/fail?rid=a", "POST", b"x" * 150_000)[0].text == "OK\n"
    assert within_s(web, f"/ping/{row.code}", "HEAD")[0].code == 200
    assert within_s(web, "/ping/nothing")[0].code == 404
    assert within_s(web, f"/ping/{row.code}", "PUT")[0].code == 405
    with redis.Redis.from_url(redis_url) as client:
        found = [decode(fields[keys.BODY]) for _, fields in entries(client, keys.PINGS)]
    pings: list[Ping] = [ping for entry in found for ping in entry.pings]
    assert [(ping.kind, ping.rid, len(ping.body), ping.body_size) for ping in pings] == [
        ("fail", "a", 100_000, 150_000),
        ("success", "", 0, 0),
    ]
    assert not any(entry.beat_us for entry in found)


def test_s14_strangers_take_no_place_from_jobs(web: int, redis_url: str) -> None:
    row = job()
    begun = threading.Barrier(9)

    def guess() -> None:
        begun.wait(20)
        with socket.create_connection(("127.0.0.1", web), timeout=20) as connection:
            for _ in range(25):
                connection.sendall(
                    b"".join(f"GET /ping/{uuid.uuid4()} HTTP/1.1\r\nHost: h\r\n\r\n".encode() for _ in range(20))
                )
                heard = 0
                while heard < 20:
                    heard += connection.recv(65_536).count(b"HTTP/1.1 200")

    strangers = [threading.Thread(target=guess, daemon=True) for _ in range(8)]
    for stranger in strangers:
        stranger.start()
    begun.wait(20)
    codes = [within_s(web, f"/ping/{row.code}?rid={number}")[0].code for number in range(20)]
    for stranger in strangers:
        stranger.join(60)
    codes += [within_s(web, f"/ping/{row.code}?rid={number}")[0].code for number in range(20, 40)]
    assert codes == [200] * 40
    with redis.Redis.from_url(redis_url) as client:
        written = [p for _, fields in entries(client, keys.PINGS) for p in decode(fields[keys.BODY]).pings]
    assert [p.rid for p in written if p.address.code == str(row.code)] == [str(number) for number in range(40)]
    assert len(written) < 2_500

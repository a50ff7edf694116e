"""The web process under slow, silent and odd clients: pages, API and pings answer meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from probes import keys
from tests.streams import entries
from tests.vigil.heartbeats import fuzz
from tests.vigil.heartbeats.conftest import Reply, ask, end, start
from tests.vigil.heartbeats.jobs import job
from tests.waiting import until
from vigil.heartbeats.core.pings.wire import Ping, decode
from vigil.local.servers import ports
from vigil.web.serving import http_server
from vigil.web.serving.bodies import Refused
from vigil.web.serving.server import refusal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("machine")]


@contextlib.contextmanager
def serving() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A real `web` process on the test database: its port, and the process."""
    from django.db import connection

    redis_url = os.environ["VIGIL_REDIS_URL"]
    database_url = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0]
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
    yield port, process
    process.terminate()
    process.wait(15)
    end(process)


@contextlib.contextmanager
def surviving(port: int, process: subprocess.Popen[bytes]) -> Iterator[int]:
    """The port of a process, which must still be the same one at the end."""
    workers = children(process.pid)
    yield port
    assert process.poll() is None, "the process has ended"
    assert children(process.pid) == workers, "its worker has ended"


@pytest.fixture(scope="module")
def shared(django_db_setup: None) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    with serving() as started:
        yield started


@pytest.fixture
def web(shared: tuple[int, subprocess.Popen[bytes]], redis_url: str, transactional_db: None) -> Iterator[int]:
    """The port of the process of this module, for what leaves no trace in it."""
    with surviving(*shared) as port:
        yield port


@pytest.fixture
def own_web(redis_url: str, transactional_db: None) -> Iterator[int]:
    """The port of a process of its own, for a flood that counts against its address, or fills its memory."""
    with serving() as started, surviving(*started) as port:
        yield port


def children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


def within_s(port: int, path: str, method: str = "GET", body: bytes | None = None) -> tuple[Reply, float]:
    begun_s = time.monotonic()
    reply = ask(f"http://127.0.0.1:{port}{path}", method, body)
    return reply, time.monotonic() - begun_s


def everything_answers(port: int, limit_s: float = 5.0) -> None:
    for path, code in (("/healthz", 200), ("/api/v1/monitors", 401), (f"/ping/{uuid.uuid4()}", 200)):
        reply, took_s = within_s(port, path)
        assert reply.code == code, path
        assert took_s < limit_s, path


def opened(port: int, count: int, said: bytes = b"", peers: int = 1) -> list[socket.socket]:
    """Connections of so many addresses of this machine, each of which says the same."""
    own = [(f"127.0.0.{2 + number % peers}", 0) for number in range(count)]
    found = [socket.create_connection(("127.0.0.1", port), timeout=10, source_address=source) for source in own]
    for connection in found:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):
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


PING = "/ping/0f3c8f4e-5a54-4d3e-9d0e-0d3f9a1b2c3d"
HEAD = b"POST /hooks/x HTTP/1.1\r\nHost: h\r\n"
SAID = {
    "silent": b"",
    "half a word": b"GET / HT",
    "half a head": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "half a body": HEAD + b"Content-Length: 100000\r\n\r\nx",
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2710\r\nx",
    "half of a large body": HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * 500_000,
    "half a ping": f"POST {PING} HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\nx".encode(),
    "expects to continue": HEAD + b"Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n",
    "idle after an answer": f"GET {PING} HTTP/1.1\r\nHost: h\r\n\r\n".encode(),
    "half of TLS": bytes.fromhex("16030100f8010000f40303") + b"x" * 40,
    "an upgrade": b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("peers", [1, 50], ids=["of one peer", "of many peers"])
def test_s13_three_hundred_connections_that_wait_stop_nothing(web: int, peers: int) -> None:
    for what, said in SAID.items():
        waiting = opened(web, 300, said, peers)
        try:
            everything_answers(web)
        except AssertionError as problem:
            problem.add_note(what)
            raise
        finally:
            for connection in waiting:
                connection.close()


def test_s13_answers_that_are_not_read_stop_nothing(web: int) -> None:
    page = b"GET /static/web/parts.css HTTP/1.1\r\nHost: h\r\n\r\n"
    unread = opened(web, 100, page * 60)
    try:
        for _ in range(3):
            everything_answers(web)
    finally:
        for connection in unread:
            connection.close()


def test_s13_more_connections_than_one_peer_may_have_make_room(own_web: int) -> None:
    crowd = opened(own_web, http_server.MAX_OF_PEER + 50)
    try:
        everything_answers(own_web)
        closed = sum(is_closed(connection) for connection in crowd)
        assert 50 <= closed <= 100
        assert not is_closed(crowd[-1])
    finally:
        for connection in crowd:
            connection.close()


def test_s13_many_large_bodies_leave_room_for_another(own_web: int) -> None:
    half = HEAD + b"Content-Length: 3900000\r\n\r\n" + b"x" * 3_000_000
    holding = opened(own_web, 25, half)
    try:
        everything_answers(own_web)
        assert within_s(own_web, "/hooks/x", "POST", b"x" * 100_000)[0].code == 401
    finally:
        for connection in holding:
            connection.close()


def test_a_connection_that_is_late_is_closed() -> None:
    class Late(http_server.WebConnection):
        def __init__(self, answering: bool, begun_s: float, stuck_s: float, rested_s: float) -> None:
            self.cycle = SimpleNamespace(response_complete=not answering)  # type: ignore[assignment]
            self._begun_s, self._stuck_s, self._rested_s = begun_s, stuck_s, rested_s

    head, arrival, read = http_server.HEAD_S, http_server.ARRIVAL_S, http_server.READ_S
    assert not Late(False, 0, 0, 1).is_late(1 + head) and Late(False, 0, 0, 1).is_late(1.1 + head)
    assert not Late(True, 1, 0, 1).is_late(1 + arrival) and Late(True, 1, 0, 1).is_late(1.1 + arrival)
    assert not Late(True, 0, 1, 1).is_late(1 + read) and Late(True, 0, 1, 1).is_late(1.1 + read)
    assert not Late(True, 0, 0, 1).is_late(1e6), "we are the ones that are late"


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_a_body_that_is_too_long_is_refused_before_it_is_read(web: int) -> None:
    for path, length in (("/hooks/x", 5_000_000), (f"/ping/{uuid.uuid4()}", 11_000_000)):
        head = f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n".encode()
        [connection] = opened(web, 1, head)
        with connection:
            assert connection.recv(100).startswith(b"HTTP/1.1 413")


REFUSALS = [
    (HTTPStatus.REQUEST_TIMEOUT, "request_timeout"),
    (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large"),
    (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
]


@pytest.mark.parametrize(("status", "code"), REFUSALS, ids=[code for _, code in REFUSALS])
def test_what_is_refused_before_the_pages_see_it_is_a_problem_for_the_api(status: HTTPStatus, code: str) -> None:
    scope = {"path": "/api/v1/monitors", "method": "POST", "headers": [(b"x-request-id", b"mine")]}
    answered, headers, body = refusal(scope, Refused(status, unread=False))
    told, shown = dict(headers), json.loads(body)
    assert answered == shown["status"] == status and told["Content-Type"] == "application/problem+json"
    assert (shown["code"], shown["instance"], shown["request_id"]) == (code, scope["path"], "mine")
    assert told["X-Request-ID"] == "mine" and told["Connection"] == "close"
    page = refusal({**scope, "path": "/hooks/x"}, Refused(status, unread=False))
    assert (page[0], dict(page[1])["Content-Type"]) == (status, "text/plain")


def test_p1_thousands_of_pipelined_odd_requests_leave_the_pages_answered(own_web: int) -> None:
    known = f"/ping/{uuid.uuid4()}".encode()
    paths = [known, b"/", b"/healthz", b"/hooks/%00", b"/badge/%ff.svg", b"*", b"/\xff?%"]
    fuzz.pipeline(own_web, fuzz.http(paths), seed=13, requests=2_000, together=8)
    everything_answers(own_web, limit_s=3.0)


def test_pings_at_the_address_of_the_pages_are_written_like_others(web: int, redis_url: str) -> None:
    row = job()
    assert within_s(web, f"/ping/{row.code}/fail?rid=a", "POST", b"x" * 150_000)[0].text == "OK\n"
    assert within_s(web, f"/ping/{row.code}", "HEAD")[0].code == 200
    assert within_s(web, "/ping/nothing")[0].code == 404
    assert within_s(web, f"/ping/{row.code}", "DELETE")[0].code == 405
    assert within_s(web, f"/ping/{row.code}/%4BILL", "PUT", b"log")[0].code == 200
    with redis.Redis.from_url(redis_url) as client:
        found = [decode(fields[keys.BODY]) for _, fields in entries(client, keys.PINGS)]
    pings: list[Ping] = [ping for entry in found for ping in entry.pings]
    assert [(ping.kind, ping.rid, len(ping.body), ping.body_size) for ping in pings] == [
        ("fail", "a", 100_000, 150_000),
        ("success", "", 0, 0),
        ("fail", "", 3, 3),
    ]
    assert pings[2].word == "KILL"
    assert not any(entry.beat_us for entry in found)


def test_a_failure_counts_at_the_address_of_the_pages_though_its_body_is_refused(web: int, redis_url: str) -> None:
    row = job()
    for says in ("/fail", "/7", "", "/start"):
        head = f"POST /ping/{row.code}{says} HTTP/1.1\r\nHost: h\r\nContent-Length: 11000000\r\n\r\n".encode()
        [connection] = opened(web, 1, head)
        with connection:
            assert connection.recv(100).startswith(b"HTTP/1.1 413")

    def written() -> list[tuple[str, int | None]]:
        with redis.Redis.from_url(redis_url) as client:
            found = [decode(fields[keys.BODY]) for _, fields in entries(client, keys.PINGS)]
        return [(ping.kind, ping.exit_code) for entry in found for ping in entry.pings]

    until(lambda: written() == [("fail", None), ("fail", 7)])


def test_s14_strangers_take_no_place_from_jobs(own_web: int, redis_url: str) -> None:
    row = job()
    begun = threading.Barrier(9)

    def guess() -> None:
        begun.wait(20)
        with socket.create_connection(("127.0.0.1", own_web), timeout=20) as connection:
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
    codes = [within_s(own_web, f"/ping/{row.code}?rid={number}")[0].code for number in range(20)]
    for stranger in strangers:
        stranger.join(60)
    codes += [within_s(own_web, f"/ping/{row.code}?rid={number}")[0].code for number in range(20, 40)]
    assert codes == [200] * 40
    with redis.Redis.from_url(redis_url) as client:
        written = [p for _, fields in entries(client, keys.PINGS) for p in decode(fields[keys.BODY]).pings]
    assert [p.rid for p in written if p.address.code == str(row.code)] == [str(number) for number in range(40)]
    assert len(written) < 2_500


def test_t_sec_09_t_sec_10_the_web_process_speaks_no_websocket(web: int) -> None:
    """No socket outlives a session, and there is none whose origin would have to be checked."""
    head = (
        b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: https://evil.test\r\n\r\n"
    )
    for path in (b"/", b"/live", b"/api/v1/monitors", b"/ping/x"):
        with socket.create_connection(("127.0.0.1", web), 10) as made:
            made.sendall(head % path)
            status = made.recv(64).split(b" ")[1]
        assert status != b"101" and status[:1] in (b"2", b"3", b"4"), (path, status)

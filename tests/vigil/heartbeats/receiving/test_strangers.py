"""Strangers on the ping port: whatever they send, the process lives, and the pings of jobs are answered meanwhile."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator

import pytest

from tests.vigil.heartbeats import fuzz
from tests.vigil.heartbeats.conftest import Listening, ask, end, start
from tests.vigil.heartbeats.jobs import job
from tests.waiting import until
from vigil.heartbeats.core.pings.wire import Ping
from vigil.heartbeats.receiving import http_server, limits, ping_connection
from vigil.heartbeats.receiving.open_connections import OpenConnections
from vigil.heartbeats.receiving.ping_log import Done
from vigil.local.servers import ports

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ping_port(redis_url: str, test_database_url: str) -> Iterator[int]:
    """The port of a real `ping` process, which must still be the same one at the end."""
    port = ports.take_free_port()
    env = {"VIGIL_DATABASE_URL": test_database_url, "VIGIL_REDIS_URL": redis_url, "VIGIL_PING_REDIS_URL": redis_url}
    process = start(["run", "ping", "--port", str(port)], **env)

    def up() -> bool:
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", port)) == 0

    until(up, within_s=30)
    yield port
    assert process.poll() is None, "the process has ended"
    end(process)


def exchange(port: int, said: bytes) -> bytes:
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(said)
        while piece := connection.recv(65_536):
            heard += piece
    return heard


GOOD = b"GET /ping/00000000-0000-0000-0000-000000000000 HTTP/1.1\r\nHost: x\r\n\r\n"


RUBBISH = (
    b"\0\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 700_000 + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 20000000\r\nExpect: 100-continue\r\n\r\n" + b"z" * 10_100_000,
)


def test_p1_rubbish_behind_a_good_call_ends_its_connection_and_nothing_else(ping_port: int) -> None:
    for rubbish in RUBBISH * 4:
        codes = re.findall(rb"HTTP/1\.1 (\d+)", exchange(ping_port, GOOD * 3 + rubbish))
        assert codes[-1] in (b"400", b"413", b"431")
        assert ask(f"http://127.0.0.1:{ping_port}/ping/{uuid.uuid4()}").code == 200


def test_p1_rubbish_behind_a_last_call_does_not_cost_its_answer(ping_port: int) -> None:
    last = GOOD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert exchange(ping_port, last + b"\0rubbish").startswith(b"HTTP/1.1 200")


def test_p1_thousands_of_pipelined_odd_requests_leave_pings_answered(ping_port: int) -> None:
    paths = [f"/ping/{uuid.uuid4()}".encode(), b"/", b"/healthz", b"*", b"http://x/ping/", b"/\xff\xed\xa0\xbd?a=%00"]
    slowest_s, asked, done = 0.0, 0, threading.Event()

    def call() -> None:
        nonlocal slowest_s, asked
        while not done.is_set():
            begun_s = time.monotonic()
            assert ask(f"http://127.0.0.1:{ping_port}/ping/{uuid.uuid4()}").code == 200
            slowest_s, asked = max(slowest_s, time.monotonic() - begun_s), asked + 1

    caller = threading.Thread(target=call)
    caller.start()
    try:
        assert fuzz.pipeline(ping_port, fuzz.http(paths), seed=12, requests=20_000) > 2_000
    finally:
        done.set()
        caller.join(20)
    assert asked > 20
    assert slowest_s < 5.0


def test_p1_a_fault_in_telling_one_caller_leaves_the_writer_at_work(receiver: Listening) -> None:
    from vigil.heartbeats.core.pings.wire import Address, Ping

    def fails(_: bool) -> None:
        raise RuntimeError("Cannot call write() after write_eof()")

    at_work = receiver.at_work
    ping = Ping(str(uuid.uuid4()), 1, Address(str(uuid.uuid4())))
    receiver.loop.call_soon_threadsafe(at_work.log.add, ping, fails)
    until(lambda: not at_work.log.waiting)
    assert ask(receiver.url(f"/ping/{job().code}")).code == 200
    assert not at_work.writing.done()


def test_s27_empty_lines_put_off_no_deadline(receiver: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IDLE_S", 0.5)
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as connection:
        begun_s, ended = time.monotonic(), False
        while not ended and time.monotonic() - begun_s < 10:
            try:
                connection.sendall(b"\r\n")
                connection.settimeout(0.05)
                ended = connection.recv(10) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
    assert ended


def test_s27_a_body_that_drips_is_cut_off(receiver: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ARRIVAL_S", 0.5)
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as connection:
        connection.sendall(b"POST /ping/x HTTP/1.1\r\nContent-Length: 100000\r\n\r\n")
        connection.settimeout(0.05)
        begun_s, ended = time.monotonic(), False
        while not ended and time.monotonic() - begun_s < 10:
            try:
                connection.sendall(b"x")
                ended = connection.recv(10) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
    assert ended


def test_s27_more_silent_connections_than_allowed_make_room_for_a_job(receiver: Listening) -> None:
    receiver.server.connections = OpenConnections(60, 50, ping_connection.PingConnection.is_busy)
    silent = [socket.create_connection(("127.0.0.1", receiver.port), timeout=10) for _ in range(120)]
    try:
        for _ in range(3):
            assert ask(receiver.url(f"/ping/{uuid.uuid4()}")).code == 200
        until(lambda: len(receiver.server.connections) <= 50)
    finally:
        for connection in silent:
            connection.close()


def test_s27_the_cap_leaves_files_to_spare(receiver: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server.resource, "getrlimit", lambda _: (1_024, 1_024))
    assert http_server._most_connections() == 768


def test_s27_bodies_that_arrive_together_are_held_to_a_sum_and_the_oldest_goes(
    receiver: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.server.bodies.most = 300_000
    head = f"POST /ping/{uuid.uuid4()} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n".encode()
    open_ones = [socket.create_connection(("127.0.0.1", receiver.port), timeout=10) for _ in range(6)]
    try:
        for connection in open_ones:
            connection.sendall(head + b"x" * 90_000)
        assert open_ones[0].recv(100).startswith(b"HTTP/1.1 503")
        assert ask(receiver.url(f"/ping/{uuid.uuid4()}"), "POST", b"y" * 90_000).code == 200
        assert receiver.server.bodies.total <= 300_000
        open_ones[-1].sendall(b"x" * 10_000)
        assert open_ones[-1].recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for connection in open_ones:
            connection.close()
    until(lambda: receiver.server.bodies.total == 0)


def test_s27_answers_that_are_not_taken_do_not_fill_the_memory(receiver: Listening) -> None:
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as connection:
        connection.settimeout(0.5)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 60_000_000:
                sent += connection.send(b"GET /healthz HTTP/1.1\r\n\r\n" * 2_000)
    assert ask(receiver.url("/healthz")).code == 200


HALF = b"POST /ping/%s HTTP/1.1\r\nHost: x\r\n" % str(uuid.uuid4()).encode()
SAID = {
    "silent": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "half a body": HALF + b"Content-Length: 100000\r\n\r\nx",
    "half a chunk": HALF + b"Transfer-Encoding: chunked\r\n\r\n2710\r\nx",
    "half of a large body": HALF + b"Content-Length: 9000000\r\n\r\n" + b"x" * 300_000,
    "idle after an answer": GOOD,
    "half of TLS": bytes.fromhex("16030100f8010000f40303") + b"x" * 40,
}


@pytest.mark.parametrize("peers", [1, 50], ids=["of one peer", "of many peers"])
def test_s27_three_hundred_connections_that_wait_stop_no_job(ping_port: int, peers: int) -> None:
    for what, said in SAID.items():
        waiting = [
            socket.create_connection(("127.0.0.1", ping_port), 10, (f"127.0.0.{2 + number % peers}", 0))
            for number in range(300)
        ]
        try:
            for connection in waiting:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(said)
            for path in ("/healthz", f"/ping/{uuid.uuid4()}"):
                assert ask(f"http://127.0.0.1:{ping_port}{path}").code == 200, what
        finally:
            for connection in waiting:
                connection.close()


@pytest.mark.parametrize(
    ("rest", "answer"),
    [
        (b"Content-Length: 20000000\r\n\r\n" + b"z" * 10_300_000, b"413"),
        (b"Transfer-Encoding: chunked\r\n\r\nno length\r\n", b"400"),
        (b"Content-Length: 100\r\n\r\nhalf", b""),
    ],
    ids=["too long", "in broken chunks", "cut off"],
)
def test_a_failure_counts_whatever_becomes_of_its_body(receiver: Listening, rest: bytes, answer: bytes) -> None:
    written: list[Ping] = []
    receiver.at_work.log.add = lambda ping, done: written.append(ping)  # type: ignore[method-assign]
    code = job().code
    for says, counts in (("/fail", True), ("/3", True), ("", False), ("/0", False), ("/start", False), ("/log", False)):
        written.clear()
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as connection:
            connection.sendall(f"POST /ping/{code}{says}?rid=a HTTP/1.1\r\nHost: x\r\n".encode() + rest)
            if answer:
                assert answer in connection.recv(100)
        ask(receiver.url("/healthz"))
        until(lambda: len(receiver.server.connections) == 0)
        assert [(ping.kind, ping.exit_code, ping.rid) for ping in written] == (
            [("fail", 3 if says == "/3" else None, "a")] if counts else []
        ), says


def test_s16_the_origin_of_a_ping_is_the_client_before_trusted_proxies(receiver: Listening) -> None:
    written: list[Ping] = []

    def keep(ping: Ping, done: Done) -> None:
        written.append(ping)
        done(True)

    receiver.at_work.log.add = keep  # type: ignore[method-assign]
    said = f"GET /ping/{job().code} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    for source, headers in (
        ("127.0.0.9", b"X-Forwarded-For: 198.51.100.1, 203.0.113.5\r\n"),
        ("127.0.0.9", b"X-Forwarded-For: 198.51.100.1\r\nx-forwarded-for: 203.0.113.5, 127.0.0.9\r\n"),
        ("127.0.0.9", b""),
        ("127.0.0.8", b"X-Forwarded-For: 203.0.113.5\r\n"),
    ):
        with socket.create_connection(("127.0.0.1", receiver.port), 10, (source, 0)) as connection:
            connection.sendall(said + headers + b"\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
    assert [ping.origin for ping in written] == ["203.0.113.5", "203.0.113.5", "127.0.0.9", "127.0.0.8"]


def test_p1_a_ping_that_cannot_be_encoded_costs_itself(receiver: Listening) -> None:
    from vigil.heartbeats.core.pings.wire import Address, Ping

    told: dict[str, bool] = {}

    def add() -> None:
        # In one batch, as they come together.
        for agent in ("a", "\ud83d", "b"):
            ping = Ping(str(uuid.uuid4()), 1, Address(str(uuid.uuid4())), agent=agent)
            receiver.at_work.log.add(ping, lambda written, agent=agent: told.update({agent: written}))  # type: ignore[misc]

    receiver.loop.call_soon_threadsafe(add)
    until(lambda: len(told) == 3)
    assert told == {"a": True, "\ud83d": False, "b": True}
    assert not receiver.at_work.writing.done()

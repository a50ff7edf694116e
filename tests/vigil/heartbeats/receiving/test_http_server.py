"""The receiver over real sockets: what it answers, what it writes, and what it refuses."""

from __future__ import annotations

import re
import socket
import uuid

import pytest
import redis
from django.db import connection, transaction

from probes import keys
from tests.streams import entries
from tests.vigil.heartbeats.conftest import Listening, ask
from tests.vigil.heartbeats.jobs import job
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.heartbeats.changes import team_pings
from vigil.heartbeats.core.pings.wire import Method, Ping, PingKind, decode
from vigil.heartbeats.core.rate_limit import BURST, Rates
from vigil.heartbeats.models import SpooledEntry
from vigil.heartbeats.receiving.address_cache import CHANNEL
from vigil.heartbeats.receiving.limits import MAX_BODY

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(redis_url)


def written(client: redis.Redis) -> list[Ping]:
    return [ping for _, fields in entries(client, keys.PINGS) for ping in decode(fields[keys.BODY]).pings]


def speak(receiver: Listening, said: bytes, enough: bytes = b"") -> bytes:
    """Say these bytes, and hear until the other side ends or says `enough`."""
    heard = b""
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as connection:
        connection.sendall(said)
        while not (enough and enough in heard):
            piece = connection.recv(65_536)
            if not piece:
                break
            heard += piece
    return heard


def test_a_ping_is_on_the_log_before_it_is_acknowledged(receiver: Listening, client: redis.Redis) -> None:
    row = job()
    reply = ask(receiver.url(f"/ping/{row.code}/3?rid=run-7"), "POST", b"out of memory")
    assert (reply.code, reply.text) == (200, "OK\n")
    [ping] = written(client)
    assert (ping.address.code, ping.kind, ping.exit_code, ping.rid) == (str(row.code), PingKind.FAIL, 3, "run-7")
    assert (ping.method, ping.body, ping.body_size, ping.origin) == (Method.POST, b"out of memory", 13, "127.0.0.1")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_every_method_of_a_job_is_welcome(receiver: Listening, client: redis.Redis, method: str) -> None:
    row = job()
    reply = ask(receiver.url(f"/ping/{row.code}/start"), method)
    assert (reply.code, reply.text) == (200, "" if method == "HEAD" else "OK\n")
    assert [ping.method for ping in written(client)] == [method]


def test_an_unknown_address_is_answered_like_a_known_one(receiver: Listening) -> None:
    team_pings(default_team())
    known_one = ask(receiver.url(f"/ping/{job().code}"))
    for path in (f"/ping/{uuid.uuid4()}", f"/ping/{'z' * 22}/some-job"):
        assert ask(receiver.url(path)) == known_one


def test_whoever_guesses_addresses_does_not_fill_the_log(receiver: Listening, client: redis.Redis) -> None:
    row = job()
    until(lambda: str(row.code) in (receiver.at_work.known.names or ()))
    receiver.at_work.known.strangers = Rates(burst=5, per_s=0.001, remembered=1)
    replies = [ask(receiver.url(f"/ping/{uuid.uuid4()}")).code for _ in range(40)]
    assert replies == [200] * 40
    assert len(written(client)) == 5
    assert ask(receiver.url(f"/ping/{row.code}")).code == 200
    assert written(client)[-1].address.code == str(row.code)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"GET /ping/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (
            b"DELETE /ping/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            % b"6524664f-5a18-4a05-9991-42aa965b3dea",
            b"405",
        ),
        (b"hello there\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"X-Pad: " + b"y" * 400_000 + b"\r\n\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n" + b"z" * (MAX_BODY + 100_000), b"413"),
    ],
)
def test_what_is_no_ping_is_refused_in_one_line(receiver: Listening, said: bytes, code: bytes) -> None:
    try:
        heard = speak(receiver, said)
    except ConnectionResetError:
        pytest.fail("cut off without a word")
    assert heard.startswith(b"HTTP/1.1 " + code)


def test_answers_come_in_the_order_of_the_requests_on_one_connection(receiver: Listening, client: redis.Redis) -> None:
    row = job()
    paths = [f"/ping/{row.code}?rid={number}" if number % 3 else "/nothing" for number in range(30)]
    said = b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths)
    last = f"HEAD /ping/{row.code}?rid=last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    codes = re.findall(rb"HTTP/1\.1 (\d+)", speak(receiver, said + last))
    assert codes == [b"200" if number % 3 else b"404" for number in range(30)] + [b"200"]
    assert [ping.rid for ping in written(client)] == [str(number) for number in range(30) if number % 3] + ["last"]


def test_a_body_in_pieces_is_cut_at_its_limit_and_its_size_is_told(receiver: Listening, client: redis.Redis) -> None:
    row = job()
    head = f"POST /ping/{row.code} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (30_000, b"a" * 30_000)
    assert speak(receiver, head.encode() + chunk * 8 + b"0\r\n\r\n").startswith(b"HTTP/1.1 200")
    [ping] = written(client)
    assert (len(ping.body), ping.body_size) == (100_000, 240_000)


def test_f27_a_failure_is_kept_without_what_is_too_large(receiver: Listening, client: redis.Redis) -> None:
    row = job()
    head = f"POST /ping/{row.code}/KILL HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n".encode()
    assert speak(receiver, head + b"z" * (MAX_BODY + 100_000)).startswith(b"HTTP/1.1 413")
    # The refusal waits for no write.
    until(lambda: written(client) != [])
    [ping] = written(client)
    assert (ping.kind, ping.word, len(ping.body)) == (PingKind.FAIL, "KILL", 100_000)
    assert ping.body_size > MAX_BODY


def test_f27_a_failure_counts_when_its_body_never_arrives(receiver: Listening, client: redis.Redis) -> None:
    row = job()
    for says in ("", "/start", "/1"):
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as connection:
            connection.sendall(f"POST /ping/{row.code}{says} HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf".encode())
    until(lambda: len(written(client)) == 1)
    assert [(ping.kind, ping.body) for ping in written(client)] == [(PingKind.FAIL, b"half")]


def test_b2_20_words_behind_what_is_kept_of_a_body_are_heard(receiver: Listening, client: redis.Redis) -> None:
    row = job(keywords={"fail": ["Failed: Überlauf"], "success": ["nowhere"]})
    target = f"/ping/{row.code}"
    until(lambda: receiver.at_work.receiver.words_of(target) != ())
    body = b"x" * 99_995 + "Failed: Überlauf".encode() + b"y" * 500_000
    assert ask(receiver.url(target), "POST", body).code == 200
    [ping] = written(client)
    assert ping.heard.decode() == "Failed: Überlauf"
    assert len(ping.body) == 100_000


def test_an_upload_is_a_ping(receiver: Listening, client: redis.Redis) -> None:
    row = job()
    assert ask(receiver.url(f"/ping/{row.code}/3"), "PUT", b"log").code == 200
    assert [(ping.exit_code, ping.body) for ping in written(client)] == [(3, b"log")]


def test_a_caller_that_asks_whether_to_go_on_is_told_to(receiver: Listening, client: redis.Redis) -> None:
    head = f"POST /ping/{job().code} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert connection.recv(1_000).startswith(b"HTTP/1.1 200")
    assert written(client)[0].body == b"abc"


def test_one_address_may_not_be_called_without_end(receiver: Listening) -> None:
    row = job()
    replies = [ask(receiver.url(f"/ping/{row.code}")) for _ in range(int(BURST) + 20)]
    assert [reply.code for reply in replies[: int(BURST)]] == [200] * int(BURST)
    assert replies[-1].code == 429
    assert int(replies[-1].headers["Retry-After"]) >= 1
    assert ask(receiver.url(f"/ping/{job('other').code}")).code == 200


def test_while_redis_is_away_pings_are_committed_to_postgresql(test_database_url: str) -> None:
    away = Listening(test_database_url, "redis://127.0.0.1:1/0")
    away.wait_settled()
    row = job()
    assert ask(away.url(f"/ping/{row.code}?rid=a")).code == 200
    assert ask(away.url("/healthz")).code == 200
    away.close()
    pings = [ping.rid for entry in SpooledEntry.objects.order_by("id") for ping in decode(bytes(entry.entry)).pings]
    assert pings == ["a"]


def test_with_both_away_a_caller_is_told_to_try_again() -> None:
    alone = Listening("postgresql://nobody:none@127.0.0.1:1/none", "redis://127.0.0.1:1/0")
    reply = ask(alone.url(f"/ping/{uuid.uuid4()}"))
    assert (reply.code, reply.headers["Retry-After"]) == (503, "5")
    assert ask(alone.url("/healthz")).code == 503
    alone.close()


def test_while_postgresql_is_away_pings_are_still_taken(redis_url: str, client: redis.Redis) -> None:
    alone = Listening("postgresql://nobody:none@127.0.0.1:1/none", redis_url)
    assert ask(alone.url(f"/ping/{uuid.uuid4()}")).code == 200
    assert len(written(client)) == 1
    alone.close()


def test_a_receiver_says_that_it_is_there_behind_everything_it_took(receiver: Listening, client: redis.Redis) -> None:
    ask(receiver.url(f"/ping/{job().code}"))

    def heard() -> list[tuple[int, list[Ping]]]:
        found = entries(client, keys.PINGS)
        return [(entry.beat_us, entry.pings) for entry in (decode(fields[keys.BODY]) for _, fields in found)]

    until(lambda: any(pings for _, pings in heard()) and heard()[-1][0] > 0)
    taken = next(pings[0].at_us for _, pings in heard() if pings)
    assert heard()[-1][0] > taken


def test_many_changes_at_once_are_read_once(receiver: Listening) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for number in range(200):
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(number)])
        row = job("one of many")
    until(lambda: str(row.code) in (receiver.at_work.known.names or ()), "the new address")

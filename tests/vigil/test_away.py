"""Servers that refuse work are away, in words of their own: on a real Redis and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client

from consensus.process.service import Consensus
from consensus.process.settings import ConsensusSettings
from probes import keys
from probes.process import redis_client
from probes.process.health import Health
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.away import refusal
from vigil.heartbeats.receiving.ping_log import PingLog
from vigil.local.servers import redis as local_redis
from vigil.web import health


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[redis.Redis]:
    with (
        local_redis.running(tmp_path, "only-for-tests", tmp_path / "redis.log") as server,
        redis.Redis.from_url(server.url, socket_timeout=5) as client,
    ):
        yield client


def url_of(client: redis.Redis) -> str:
    address = client.connection_pool.connection_kwargs
    if "path" in address:
        return f"unix://:{address['password']}@{address['path']}"
    return f"redis://:{address['password']}@{address['host']}:{address['port']}/0"


def fill(client: redis.Redis) -> None:
    client.config_set("maxmemory", "1")
    client.config_set("maxmemory-policy", "noeviction")


def follow(client: redis.Redis) -> None:
    client.execute_command("REPLICAOF", "127.0.0.1", "1")


def forbid(client: redis.Redis) -> None:
    client.acl_setuser("default", commands=["-set"], keys=["*"], enabled=True)


REFUSALS: list[tuple[Callable[[redis.Redis], None], str]] = [(fill, "OOM"), (follow, "READONLY"), (forbid, "NOPERM")]


@pytest.mark.parametrize(("refuse", "word"), REFUSALS, ids=[word for _, word in REFUSALS])
def test_s05_a_redis_that_refuses_is_away_alone_in_a_pipeline_and_in_a_script(
    own_redis: redis.Redis, refuse: Callable[[redis.Redis], None], word: str
) -> None:
    refuse(own_redis)

    def piped(*, transaction: bool) -> None:
        pipe = own_redis.pipeline(transaction=transaction)
        pipe.set("a", "b")
        pipe.execute()

    ways: list[Callable[[], object]] = [
        lambda: own_redis.set("a", "b"),
        lambda: piped(transaction=False),
        lambda: piped(transaction=True),
        lambda: own_redis.eval("return redis.call('SET', KEYS[1], 'b')", 1, "a"),
    ]
    for way in ways:
        with pytest.raises(redis.RedisError) as raised:
            way()
        assert word in refusal(raised.value), str(raised.value)


def test_s05_a_redis_that_a_script_holds_up_is_away(own_redis: redis.Redis) -> None:
    own_redis.config_set("lua-time-limit", "50")
    url = url_of(own_redis)

    def loop() -> None:
        with redis.Redis.from_url(url, socket_timeout=20) as other, pytest.raises(redis.RedisError):
            other.eval("while true do end", 0)

    thread = threading.Thread(target=loop)
    thread.start()
    said: list[str] = []

    def is_busy() -> bool:
        try:
            own_redis.get("a")
        except redis.RedisError as error:
            said.append(refusal(error))
        return bool(said)

    until(is_busy, "BUSY")
    own_redis.execute_command("SCRIPT", "KILL")
    thread.join(20)
    assert "BUSY" in said[0]


def test_s05_a_redis_without_a_connection_left_is_away(own_redis: redis.Redis) -> None:
    own_redis.ping()
    own_redis.config_set("maxclients", "1")
    with redis.Redis.from_url(url_of(own_redis)) as other, pytest.raises(redis.RedisError) as raised:
        other.ping()
    assert refusal(raised.value)


@pytest.mark.parametrize(
    "said", ["ERR unknown command 'BUSYGROUP'", "WRONGID no", "ERR Invalid stream ID", "BUSYGROUP name exists"]
)
def test_s05_other_errors_of_redis_are_no_refusal(said: str) -> None:
    assert redis_client.refusal(redis.ResponseError(said)) == ""


def test_s05_consensus_waits_for_a_redis_that_refuses_and_goes_on(own_redis: redis.Redis) -> None:
    url = url_of(own_redis)
    own_redis.hset(keys.BELIEVED, keys.BELIEVED_MARK, b"1")
    stop, health = threading.Event(), Health("consensus", 15)
    thread = threading.Thread(target=Consensus(ConsensusSettings(redis_url=url), health).run, args=(stop,), daemon=True)  # type: ignore[arg-type]
    thread.start()

    def away() -> str:
        facts = health.report()[1]["facts"]
        return str(facts.get("away") or "") if isinstance(facts, dict) else ""

    until(lambda: own_redis.exists(keys.lease("consensus")), "the lease")
    fill(own_redis)
    until(lambda: "OOM" in away(), "the words in its health")
    own_redis.config_set("maxmemory", "0")
    until(lambda: not away(), "the loop to go on", within_s=10)
    assert thread.is_alive()
    stop.set()
    thread.join(10)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["SET statement_timeout = 20", "SELECT pg_sleep(5)"], "took too long"),
        (["SET default_transaction_read_only = on", "CREATE TABLE no (a int)"], "read-only"),
        (["SELECT a FROM of_another_version"], "another version"),
        (["DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$"], "disk"),
        (["DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53200'; END $$"], "memory"),
        (["DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '55P03'; END $$"], "lock"),
        (["DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"], "another one"),
        (["SELECT pg_terminate_backend(pg_backend_pid())"], "PostgreSQL"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_s05_a_postgresql_that_refuses_is_away(statements: list[str], words: str) -> None:
    try:
        with pytest.raises(Exception) as raised, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        assert words in refusal(raised.value)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", ["SELECT 1 / 0", "SELECT repeat('x', 10)::int", "SELECT '1'::uuid"])
def test_s05_what_is_wrong_with_a_query_is_no_refusal(statement: str) -> None:
    with pytest.raises(Exception) as raised, connection.cursor() as cursor:
        cursor.execute(statement)
    assert refusal(raised.value) == ""


@pytest.mark.django_db(transaction=True)
def test_s05_a_postgresql_without_a_connection_left_is_away() -> None:
    url = os.environ["VIGIL_DATABASE_URL"]
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE crowded LOGIN PASSWORD 'only-for-tests' CONNECTION LIMIT 0")
    try:
        with pytest.raises(psycopg.OperationalError) as raised:
            psycopg.connect(url, user="crowded", password="only-for-tests")
        assert "no connection left" in refusal(raised.value)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP ROLE crowded")


@pytest.mark.django_db(transaction=True)
def test_s05_a_constraint_that_an_entry_breaks_is_no_refusal() -> None:
    team = default_team()
    with pytest.raises(IntegrityError) as raised, transaction.atomic():
        type(team).objects.create(name="again", slug=team.slug)
    assert refusal(raised.value) == ""
    assert (
        refusal(OperationalError("connection to server failed: Connection refused")) == "PostgreSQL cannot be reached"
    )


SAID = {
    "OOM": "OOM command not allowed when used memory > 'maxmemory'.",
    "BUSY": "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "READONLY": "READONLY You can't write against a read only replica.",
    "LOADING": "LOADING Redis is loading the dataset in memory",
    "MASTERDOWN": "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOREPLICAS": "NOREPLICAS Not enough good replicas to write.",
    "MISCONF": "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "CLUSTERDOWN": "CLUSTERDOWN Hash slot not served",
    "TRYAGAIN": "TRYAGAIN Multiple keys request during rehashing of slot",
    "NOPERM": "NOPERM this user has no permissions to run the 'xadd' command",
    "NOAUTH": "NOAUTH Authentication required.",
    "WRONGPASS": "WRONGPASS invalid username-password pair or user is disabled.",
    "max number of clients": "ERR max number of clients reached",
}


@pytest.fixture
def answering() -> Iterator[Callable[[str], str]]:
    """A server that answers whatever it is asked with one error, as Redis says it; gives its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    said = b""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while asked := connection.recv(65_536):
                # Several commands may come together.
                connection.sendall(said * len(re.findall(rb"(?:^|\n)\*\d+\r", asked)))

    def say(words: str) -> str:
        nonlocal said
        said = f"-{words}\r\n".encode()
        return f"redis://127.0.0.1:{listening.getsockname()[1]}/0?protocol=2"

    threading.Thread(target=serve, daemon=True).start()
    yield say
    listening.close()


@pytest.mark.parametrize("word", SAID)
def test_s05_each_way_to_refuse_has_its_words_in_every_client(
    answering: Callable[[str], str], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigil.heartbeats.receiving.ping_log.REDIS_S", 20.0)
    url = answering(SAID[word])
    with redis.Redis.from_url(url, socket_timeout=20, retry=None) as client, pytest.raises(redis.RedisError) as raised:
        client.execute_command("XADD", "a", "*", "b", "c")
    assert word in refusal(raised.value)
    ping_log = PingLog(url, "postgresql://nobody:none@127.0.0.1:1/none", "tests")

    async def write() -> bool:
        try:
            return await ping_log._write(b"x")
        finally:
            await ping_log._redis.aclose()

    assert not asyncio.run(write())
    assert word in ping_log.redis_away and "PostgreSQL" in ping_log.postgresql_away


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["LOADING", "BUSY", "NOAUTH", "max number of clients"])
def test_s05_the_health_of_web_says_why_redis_is_away(
    answering: Callable[[str], str], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = redis.Redis.from_url(answering(SAID[word]), socket_timeout=20, retry=None)
    monkeypatch.setattr(health, "redis_client", lambda: client)
    ready, live = Client().get("/readyz"), Client().get("/healthz")
    client.close()
    assert (ready.status_code, live.status_code) == (503, 200)
    assert word in ready.json()["away"] and word in live.json()["facts"]["away"]

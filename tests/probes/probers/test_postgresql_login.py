"""The PostgreSQL prober's login, against a real server of its own, and what that server's log says of it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trustme

from probes.prober import Observation
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import serving
from vigil.local.servers import ports, postgres

PASSWORD = "obviously:fake@p%40ss/w#rd ü"
UP = (Status.UP, Reason.OK)
_SETUP = f"""
SET password_encryption = 'scram-sha-256';
CREATE ROLE by_scram LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE by_clear LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE by_trust LOGIN;
CREATE ROLE full_role LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0;
CREATE DATABASE closed;
REVOKE CONNECT ON DATABASE closed FROM PUBLIC;
SET password_encryption = 'md5';
CREATE ROLE by_md5 LOGIN PASSWORD '{PASSWORD}';
"""
_RULES = """
host all by_md5 127.0.0.1/32 md5
host all by_clear 127.0.0.1/32 password
host all by_trust 127.0.0.1/32 trust
host all by_nobody 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class Server:
    place: dict[str, Any]
    log: Path
    url: str

    def written(self) -> str:
        return self.log.read_text(errors="replace")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A PostgreSQL with every kind of login, and a log of its own."""
    home = tmp_path_factory.mktemp("postgres")
    for folder in (home, *list(home.parents)[:3]):
        folder.chmod(0o755)
    log = home / "log"
    prepared = postgres.prepare(home, "owner-obviously-fake", ports.take_free_port(), durable=False)
    (prepared.cluster / "pg_hba.conf").write_text(_RULES.strip() + "\n")
    with postgres.running(home, "owner-obviously-fake", log, durable=False) as running:
        with psycopg.connect(running.url, autocommit=True) as owner_session:
            for statement in _SETUP.strip().split(";\n"):
                owner_session.execute(statement.encode())
        place = {"host": "127.0.0.1", "port": running.port}
        yield Server(place, log, running.url)


def found(seen: Observation) -> tuple[Status, Reason]:
    return seen.status, seen.reason


@pytest.mark.parametrize(
    ("config", "secrets", "result", "login"),
    [
        pytest.param({}, {}, UP, "not tried: the server asks for a password", id="plain"),
        pytest.param({"user": "by_clear"}, {}, UP, "not tried: the server asks for a password", id="clear text asked"),
        pytest.param({"user": "by_scram"}, {"password": PASSWORD}, UP, "SCRAM-SHA-256", id="scram"),
        pytest.param({"user": "by_md5"}, {"password": PASSWORD}, UP, "md5", id="md5"),
        pytest.param({"user": "by_clear"}, {"password": PASSWORD}, UP, "clear text", id="clear text"),
        pytest.param({"user": "by_trust"}, {}, UP, "no password asked", id="trust"),
        pytest.param({}, {"username": "by_scram", "password": PASSWORD}, UP, "SCRAM-SHA-256", id="a user apart"),
        pytest.param({}, {"password": "postgresql://by_scram:obviously%3Afake%40p%2540ss%2Fw%23rd%20%C3%BC@db/x"}, UP,
                     "SCRAM-SHA-256", id="F7 as in an address"),
    ],
)  # fmt: skip
def test_f8_no_check_of_a_healthy_server_leaves_a_line_in_its_log(
    on_loop: Any, server: Server, config: dict[str, Any], secrets: dict[str, str], result: Any, login: str
) -> None:
    before = server.written()
    seen = on_loop(looked("postgresql", {**server.place, **config}, secrets))
    assert (found(seen), seen.facts["login"]) == (result, login), seen.detail
    # A new session has its line after whatever the check's own session wrote at its end.
    with psycopg.connect(server.url) as session:
        session.execute("SELECT pg_sleep(0.05)")
    assert server.written() == before


@pytest.mark.parametrize(
    ("config", "secrets", "result", "words"),
    [
        pytest.param({"user": "by_scram"}, {"password": "wrong"}, (Status.DOWN, Reason.AUTH),
                     "SQLSTATE 28P01: it refuses the login", id="a wrong password"),
        pytest.param({"user": "by_md5"}, {"password": "wrong"}, (Status.DOWN, Reason.AUTH), "28P01", id="by md5"),
        pytest.param({"user": "by_nobody"}, {"password": "x"}, (Status.DOWN, Reason.AUTH), "28000", id="a rule"),
        pytest.param({"user": "by_nobody"}, {}, UP, "", id="a rule against who only knocks"),
        pytest.param({"user": "by_scram", "database": "nosuchdb"}, {"password": PASSWORD},
                     (Status.DOWN, Reason.CONFIG), "SQLSTATE 3D000: there is no such database", id="F9 no database"),
        pytest.param({"user": "by_trust", "database": "nosuchdb"}, {}, (Status.DOWN, Reason.CONFIG),
                     "no such database", id="F9 no database, with trust"),
        pytest.param({"user": "by_scram", "database": "closed"}, {"password": PASSWORD}, (Status.DOWN, Reason.AUTH),
                     "may not connect to this database", id="F9 no right to connect"),
        pytest.param({"user": "full_role"}, {"password": PASSWORD}, (Status.DEGRADED, Reason.OVERLOADED),
                     "as many connections as it takes", id="F9 the user's own limit"),
        pytest.param({"tls": True}, {}, (Status.DOWN, Reason.CONFIG), "it speaks no TLS", id="no TLS there"),
    ],
)  # fmt: skip
def test_what_only_a_login_sees_is_told(
    on_loop: Any, server: Server, config: dict[str, Any], secrets: dict[str, str], result: Any, words: str
) -> None:
    seen = on_loop(looked("postgresql", {**server.place, **config}, secrets))
    assert found(seen) == result, seen.detail
    assert words in seen.detail
    assert PASSWORD not in repr(seen)


def test_f9_reserved_connections_are_seen_where_a_login_is_given(on_loop: Any, server: Server) -> None:
    with contextlib.ExitStack() as sessions:
        with psycopg.connect(server.url) as owner:
            limit = int(owner.execute("SHOW max_connections").fetchone()[0])  # type: ignore[index]
            reserved = int(owner.execute("SHOW superuser_reserved_connections").fetchone()[0])  # type: ignore[index]
        ordinary = psycopg.conninfo.make_conninfo(server.url, user="by_trust")
        for _ in range(limit - reserved):
            try:
                sessions.enter_context(psycopg.connect(ordinary, dbname="postgres"))
            except psycopg.OperationalError:
                break
        config = {**server.place, "user": "by_scram"}
        assert found(on_loop(looked("postgresql", config))) == UP
        seen = on_loop(looked("postgresql", config, {"password": PASSWORD}))
    assert found(seen) == (Status.DEGRADED, Reason.OVERLOADED), seen.detail


async def through_tls(server: Server, context: ssl.SSLContext, config: dict[str, Any], password: str) -> Observation:
    """A look through a door that speaks TLS as PostgreSQL does, in front of the real server (built without it)."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(8) == b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
        writer.write(b"S")
        await writer.start_tls(context)
        there, back = await asyncio.open_connection("127.0.0.1", server.place["port"])
        forwarding = asyncio.ensure_future(forward(there, writer))
        try:
            await forward(reader, back)
        finally:
            forwarding.cancel()
            back.transport.abort()

    async def forward(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65_536):
            sink.write(chunk)

    async with serving(handle) as port:
        place = {"host": "127.0.0.1", "port": port, "tls": True, **config}
        return await looked("postgresql", place, {"password": password} if password else None)


@pytest.mark.parametrize("password", [PASSWORD, ""], ids=["with a login", "without one"])
def test_over_tls_the_login_is_the_same_and_the_certificate_counts(
    on_loop: Any, server: Server, authority: trustme.CA, server_tls: Any, password: str
) -> None:
    context, before = server_tls(authority.issue_cert("127.0.0.1")), server.written()
    trusting = {"user": "by_scram", "ca_pem": authority.cert_pem.bytes().decode()}
    seen = on_loop(through_tls(server, context, trusting, password))
    assert found(seen) == UP, seen.detail
    assert str(seen.facts["tls"]).startswith("TLSv1")
    with psycopg.connect(server.url) as session:
        session.execute("SELECT pg_sleep(0.05)")
    assert server.written() == before
    assert on_loop(through_tls(server, context, {}, password)).reason is Reason.CERTIFICATE_INVALID


def test_bytes_in_clear_after_the_agreement_on_tls_are_refused(on_loop: Any) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"SR\x00\x00\x00\x08\x00\x00\x00\x00")
        await reader.read()

    async def story() -> Observation:
        async with serving(handle) as port:
            return await looked("postgresql", {"host": "127.0.0.1", "port": port, "tls": True})

    assert on_loop(story()).reason is Reason.PROTOCOL_ERROR


def test_a_login_tells_the_version(on_loop: Any, server: Server) -> None:
    seen = on_loop(looked("postgresql", {**server.place, "user": "by_scram"}, {"password": PASSWORD}))
    assert str(seen.facts["server_version"])[:2].isdigit()
    assert seen.facts.get("replica", False) is False


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        (b"r=NONCEx,s=AAAA,i=99999999", "rounds of hashing"),
        (b"r=else,s=AAAA,i=4096", "a challenge to another client"),
        (b"r=NONCEx,s=!,i=1", "an unreadable challenge"),
        (b"r=NONCEx,s=AAAA,i=4096", "a server that does not know the password"),
    ],
)
def test_a_hostile_challenge_costs_little_and_wins_nothing(on_loop: Any, challenge: bytes, words: str) -> None:
    def said(number: int, more: bytes) -> bytes:
        return b"R" + (8 + len(more)).to_bytes(4) + number.to_bytes(4) + more

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(said(10, b"SCRAM-SHA-256\x00\x00"))
        first = await reader.read(1000)
        nonce = first.rpartition(b"r=")[2]
        writer.write(said(11, challenge.replace(b"NONCE", nonce)))
        await reader.read(1000)
        writer.write(said(12, b"v=AAAA") + said(0, b""))
        await reader.read()

    async def story() -> Observation:
        async with serving(handle) as port:
            return await looked("postgresql", {"host": "127.0.0.1", "port": port}, {"password": "x"})

    seen = on_loop(story())
    assert found(seen) == (Status.DOWN, Reason.PROTOCOL_ERROR)
    assert words in seen.detail

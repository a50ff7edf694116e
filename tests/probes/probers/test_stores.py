"""The probers of Redis and PostgreSQL, against real servers and against every refusal that those give."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from probes.prober import Observation, SpecError
from probes.probers import parse_spec
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import Handler, serving

UP = (Status.UP, Reason.OK)
FAKE_PASSWORD = "obviously-fake-password"


def after(count: int, reply: bytes, seen: list[bytes] | None = None) -> Handler:
    """Read some bytes, send the reply, and stay."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = await reader.readexactly(count)
        if seen is not None:
            seen.append(heard)
        writer.write(reply)
        await writer.drain()
        await reader.read()

    return handle


async def look_at(kind: str, handler: Handler, secrets: dict[str, str] | None = None) -> Observation:
    async with serving(handler) as port:
        return await looked(kind, {"host": "127.0.0.1", "port": port}, secrets)


def found(seen: Observation) -> tuple[Status, Reason]:
    return seen.status, seen.reason


def test_a_real_redis_says_pong_to_who_has_the_password(on_loop: Any, redis_url: str) -> None:
    real = urlsplit(redis_url)
    place = {"host": str(real.hostname), "port": real.port}
    assert found(on_loop(looked("redis", place, {"password": str(real.password)}))) == UP
    assert found(on_loop(looked("redis", place, {"password": f"default:{real.password}"}))) == UP
    refused = on_loop(looked("redis", place, {"password": FAKE_PASSWORD}))
    assert found(refused) == (Status.DOWN, Reason.AUTH)
    assert FAKE_PASSWORD not in repr(refused)
    assert found(on_loop(looked("redis", place))) == (Status.DOWN, Reason.AUTH)


@pytest.mark.parametrize(
    ("reply", "status", "reason"),
    [
        (b"+PONG\r\n", Status.UP, Reason.OK),
        (b"-LOADING Redis is loading the dataset in memory\r\n", Status.DEGRADED, Reason.LOADING),
        (b"-NOAUTH Authentication required.\r\n", Status.DOWN, Reason.AUTH),
        (b"-ERR max number of clients reached\r\n", Status.DEGRADED, Reason.OVERLOADED),
        (b"-MASTERDOWN Link with MASTER is down\r\n", Status.DEGRADED, Reason.VALUE_MISMATCH),
        (b"-MISCONF Redis is configured to save\r\n", Status.DEGRADED, Reason.VALUE_MISMATCH),
        (b"-DENIED Redis is running in protected mode\r\n", Status.DOWN, Reason.CONFIG),
        (b"-ERR something else\r\n", Status.DOWN, Reason.VALUE_MISMATCH),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Status.DOWN, Reason.PROTOCOL_ERROR),
        (b"x" * 100_000, Status.DOWN, Reason.TOO_LARGE),
    ],
)
def test_redis_is_taken_at_its_word(on_loop: Any, reply: bytes, status: Status, reason: Reason) -> None:
    assert found(on_loop(look_at("redis", after(14, reply)))) == (status, reason)


def test_a_redis_without_users_says_so(on_loop: Any) -> None:
    seen = on_loop(look_at("redis", after(10, b"-ERR wrong number of arguments for 'auth' command\r\n" * 2),
                           {"username": "a", "password": "b"}))  # fmt: skip
    assert (found(seen), "knows no users" in seen.detail) == ((Status.DOWN, Reason.AUTH), True)


def test_a_password_is_sent_so_that_nothing_in_it_is_a_command(on_loop: Any) -> None:
    seen: list[bytes] = []
    secret = "a b\r\nFLUSHALL\r\n"
    sent = b"*2\r\n$4\r\nAUTH\r\n$15\r\na b\r\nFLUSHALL\r\n\r\n"
    on_loop(look_at("redis", after(len(sent), b"-WRONGPASS no\r\n", seen), {"password": secret}))
    assert seen == [sent]


def test_a_real_postgresql_is_up_before_anybody_logs_in(on_loop: Any, postgres_server: str) -> None:
    real = urlsplit(postgres_server)
    assert found(on_loop(looked("postgresql", {"host": real.hostname, "port": real.port}))) == UP


@pytest.fixture
def users(redis_url: str) -> Iterator[dict[str, Any]]:
    """A real Redis with users whose names and passwords hold every character; yields where it is."""
    real = urlsplit(redis_url)
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "SETUSER", "app", "on", f">{ODD}", "+ping", "~*")
        client.execute_command("ACL", "SETUSER", "p:q", "on", ">p:q:r", "+ping", "~*")
        client.execute_command("ACL", "SETUSER", "default", ">a:b", ">:colon-first")
        yield {"host": str(real.hostname), "port": real.port}
        client.execute_command("ACL", "DELUSER", "app", "p:q")
        client.execute_command("ACL", "SETUSER", "default", "<a:b", "<:colon-first")


ODD = "p:q@/?#[]%40 ü\"'\\"


# Workers of the tests share one Redis, whose users these change.
@pytest.mark.xdist_group("redis users")
@pytest.mark.parametrize(
    ("secrets", "status"),
    [
        pytest.param({"username": "app", "password": ODD}, Status.UP, id="F7 a user apart, any password"),
        pytest.param({"username": "p:q", "password": "p:q:r"}, Status.UP, id="F7 a user with a colon"),
        pytest.param({"password": f"app:{ODD}"}, Status.UP, id="F7 the first colon"),
        pytest.param({"password": ":a:b"}, Status.UP, id="F7 no user"),
        pytest.param({"password": "default:a:b"}, Status.UP, id="F7 the default user"),
        pytest.param({"password": "a:b"}, Status.UP, id="F7 the whole text is the password"),
        pytest.param({"username": "default", "password": ":colon-first"}, Status.UP, id="F7 a colon first"),
        pytest.param({"password": "redis://app:p%3Aq%40%2F%3F%23%5B%5D%2540%20%C3%BC%22%27%5C@h:6379/0"}, Status.UP,
                     id="F7 an address"),
        pytest.param({"password": "rediss://:a%3Ab@h"}, Status.UP, id="F7 an address without a user"),
        pytest.param({"username": "app", "password": "a:b"}, Status.DOWN, id="another user's password"),
        pytest.param({"password": "app:wrong"}, Status.DOWN, id="a wrong password"),
    ],
)  # fmt: skip
def test_a_redis_password_may_hold_any_character(
    on_loop: Any, users: dict[str, Any], secrets: dict[str, str], status: Status
) -> None:
    seen = on_loop(looked("redis", users, secrets))
    assert found(seen) == (UP if status is Status.UP else (Status.DOWN, Reason.AUTH)), seen.detail


def refusal(state: str, words: str = "words of the server") -> bytes:
    body = b"SFATAL\x00VFATAL\x00C" + state.encode() + b"\x00M" + words.encode() + b"\x00\x00"
    return b"E" + struct.pack("!i", len(body) + 4) + body


@pytest.mark.parametrize(
    ("reply", "status", "reason"),
    [
        (b"R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00", Status.UP, Reason.OK),
        (refusal("28000"), Status.UP, Reason.OK),
        (refusal("57P03"), Status.DEGRADED, Reason.LOADING),
        (refusal("53300"), Status.DEGRADED, Reason.OVERLOADED),
        (refusal("57P01"), Status.DOWN, Reason.REFUSED),
        (refusal("3D000"), Status.DOWN, Reason.CONFIG),
        (refusal("XX000"), Status.DOWN, Reason.VALUE_MISMATCH),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Status.DOWN, Reason.PROTOCOL_ERROR),
        (b"E\x7f\xff\xff\xff" + b"x" * 64, Status.DOWN, Reason.PROTOCOL_ERROR),
        (b"E\xff\xff\xff\xff", Status.DOWN, Reason.PROTOCOL_ERROR),
    ],
)
def test_postgresql_is_taken_at_its_word(on_loop: Any, reply: bytes, status: Status, reason: Reason) -> None:
    seen = on_loop(look_at("postgresql", after(8, reply)))
    assert found(seen) == (status, reason)
    assert "words of the server" not in repr(seen)


#: A session as PgBouncer 1.18 gives it after a password in clear text: admitted, the key to cancel, ready.
SESSION = b"R" + struct.pack("!ii", 8, 0) + b"K\x00\x00\x00\x0c\x9e*#x\x99\x90{\x89" + b"Z\x00\x00\x00\x05I"


@pytest.mark.parametrize(
    ("words", "secrets", "status", "reason"),
    [
        ("no more connections allowed (max_client_conn)", {}, Status.DEGRADED, Reason.OVERLOADED),
        ("no more connections allowed (max_client_conn)", {"password": "x"}, Status.DEGRADED, Reason.OVERLOADED),
        ("no such database: nosuch", {}, Status.DOWN, Reason.CONFIG),
        ("no such user: vigil", {"password": "x"}, Status.DOWN, Reason.AUTH),
        ("SASL authentication failed", {"password": "x"}, Status.DOWN, Reason.AUTH),
        ("password authentication failed", {"password": "x"}, Status.DOWN, Reason.AUTH),
        ("server login has been failing, try again later (server_login_retry)", {}, Status.DOWN, Reason.REFUSED),
        ("pgbouncer cannot connect to server", {"password": "x"}, Status.DOWN, Reason.REFUSED),
        ("query_wait_timeout", {"password": "x"}, Status.DOWN, Reason.OVERLOADED),
        ("something else", {}, Status.DOWN, Reason.VALUE_MISMATCH),
    ],
)
def test_f19_a_pooler_is_taken_at_its_words(
    on_loop: Any, words: str, secrets: dict[str, str], status: Status, reason: Reason
) -> None:
    seen = on_loop(look_at("postgresql", after(8, refusal("08P01", words)), secrets))
    assert found(seen) == (status, reason), seen.detail


@pytest.mark.parametrize("admitted", [b"", SESSION], ids=["no session", "no answer to a query"])
def test_f9_a_pooler_whose_server_is_dead_is_down_where_a_login_is_given(on_loop: Any, admitted: bytes) -> None:
    async def story(secrets: dict[str, str]) -> Observation:
        clear = b"R\x00\x00\x00\x08\x00\x00\x00\x03"

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1000)
            writer.write(clear)
            if await reader.read(1000):
                writer.write(admitted)
                await reader.read()
                await asyncio.sleep(5)

        async with serving(handle) as port:
            return await looked("postgresql", {"host": "127.0.0.1", "port": port}, secrets, timeout_s=0.5)

    assert found(on_loop(story({}))) == UP
    seen = on_loop(story({"password": "x"}))
    assert found(seen) == (Status.DOWN, Reason.TIMEOUT)
    assert "does the pooler reach its server?" in seen.detail


def test_a_password_in_clear_text_is_not_sent_over_the_internet(on_loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Loopback stands for an address of the internet.
    monkeypatch.setattr("probes.probers.postgresql.refusal", lambda address, egress: None)
    seen = on_loop(look_at("postgresql", after(8, b"R\x00\x00\x00\x08\x00\x00\x00\x03"), {"password": "x"}))
    assert found(seen) == (Status.DOWN, Reason.CONFIG)
    assert "not sent over the internet without `tls`" in seen.detail


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
def test_a_store_that_hangs_up_or_says_nothing_is_down(on_loop: Any, kind: str) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.close()

    async def silent() -> Observation:
        async with serving(after(1_000_000, b"")) as port:
            return await looked(kind, {"host": "127.0.0.1", "port": port}, timeout_s=0.3)

    assert found(on_loop(look_at(kind, hang_up))) == (Status.DOWN, Reason.RESET)
    assert found(on_loop(silent())) == (Status.DOWN, Reason.TIMEOUT)


@pytest.mark.parametrize(
    ("kind", "config", "line"),
    [
        ("redis", {}, "host: is required"),
        ("redis", {"host": "x", "port": 0}, "port: is between 1 and 65535"),
        ("postgresql", {"host": "x", "user": ""}, "user: has 1 to 63 printable characters"),
        ("postgresql", {"host": "x", "database": "a\x00b"}, "database: has 1 to 63 printable characters"),
    ],
)
def test_a_bad_configuration_is_one_line(kind: str, config: dict[str, Any], line: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec(kind, config)
    assert str(refused.value) == line

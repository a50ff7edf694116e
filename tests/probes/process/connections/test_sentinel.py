"""Connections to the primary that most Sentinels name, left as soon as their server is none."""

from __future__ import annotations

import asyncio
import contextlib
import socketserver
import threading
from collections.abc import Callable, Iterator

import pytest
import redis

from probes.process.connections.address import parse_redis_url
from probes.process.connections.clients import open_async_client, open_client
from probes.process.connections.sentinel import PrimaryUnknown, left_for, primary_of
from probes.process.redis_client import refusal

#: What a server answers to a command, without its line end; HELLO and whatever else is not named get OK.
Answers = dict[str, str]


@contextlib.contextmanager
def stand_in(answer: Callable[[str], str]) -> Iterator[int]:
    """A server that speaks Redis' protocol as far as it is asked here; returns its port."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while header := self.rfile.readline():
                words = []
                for _ in range(int(header[1:])):
                    size = int(self.rfile.readline()[1:])
                    words.append(self.rfile.read(size + 2)[:-2].decode())
                said = "%1\r\n$5\r\nproto\r\n:3" if words[0] == "HELLO" else answer(words[0])
                self.wfile.write(f"{said}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def names(host: str, port: int) -> Callable[[str], str]:
    return lambda command: f"*2\r\n${len(host)}\r\n{host}\r\n${len(str(port))}\r\n{port}"


def address_of(*sentinels: int, scheme: str = "redis") -> str:
    places = ",".join(f"127.0.0.1:{port}" for port in sentinels)
    return f"{scheme}+sentinel://{places}/mymaster/0"


def test_the_primary_is_the_one_that_more_than_half_of_all_sentinels_name() -> None:
    with (
        stand_in(names("127.0.0.1", 1)) as stale,
        stand_in(names("127.0.0.1", 2)) as one,
        stand_in(names("127.0.0.1", 2)) as two,
    ):
        assert primary_of(parse_redis_url(address_of(stale, one, two)), {}) == ("127.0.0.1", 2)
        assert primary_of(parse_redis_url(address_of(1, one, two)), {}) == ("127.0.0.1", 2), "one is away"
        # The side that was cut off with the old primary must not be gone by, nor one voice of two.
        for fewer in ((1, 1, stale), (stale, one), (1, one)):
            with pytest.raises(PrimaryUnknown, match="1 of"):
                primary_of(parse_redis_url(address_of(*fewer)), {})


def test_a_primary_that_none_knows_is_redis_away() -> None:
    with stand_in(lambda command: "*-1") as sentinel, pytest.raises(PrimaryUnknown) as unknown:
        primary_of(parse_redis_url(address_of(sentinel, 1)), {})
    assert refusal(unknown.value) == "Redis cannot be reached"


def test_no_password_goes_to_a_public_address_without_tls() -> None:
    with stand_in(names("8.8.8.8", 6379)) as sentinel, pytest.raises(PrimaryUnknown, match="public address"):
        primary_of(parse_redis_url(address_of(sentinel)), {})


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("-READONLY You can't write against a read only replica.", "READONLY"),
        ("-NOREPLICAS Not enough good replicas to write.", "NOREPLICAS"),
        ("-ERR Error running script (call to f_1): @user_script:9: -READONLY You can't write", "READONLY"),
        ("-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", ""),
    ],
)
def test_a_server_that_is_no_primary_any_more_is_left_for_the_next_one(said: str, words: str) -> None:
    servers = iter(["old", "new"])
    with stand_in(lambda command: said) as old, stand_in(lambda command: "$2\r\nme") as new:
        ports = {"old": old, "new": new}
        with stand_in(lambda command: names("127.0.0.1", ports[next(servers)])(command)) as sentinel:
            client = open_client(address_of(sentinel), socket_timeout=5, retry=None)
            with pytest.raises(redis.ConnectionError) as left:
                client.set("a", "b")
            assert words in refusal(left.value) and refusal(left.value)
            assert client.get("a") == b"me"


def test_a_connection_that_only_reads_follows_when_another_has_learnt_of_a_new_primary() -> None:
    with stand_in(lambda command: "$3\r\nold") as old, stand_in(lambda command: "$3\r\nnew") as new:
        primary = {"port": old}
        with stand_in(lambda command: names("127.0.0.1", primary["port"])(command)) as sentinel:
            url = address_of(sentinel)
            reader, writer = open_client(url, retry=None), open_client(url, retry=None)
            assert reader.get("a") == b"old"
            primary["port"] = new
            assert reader.get("a") == b"old", "nothing tells it"
            assert writer.get("a") == b"new" and reader.get("a") == b"new"


def test_a_connection_of_asyncio_follows_too() -> None:
    async def read() -> list[object]:
        with stand_in(lambda command: "$3\r\nold") as old, stand_in(lambda command: "$3\r\nnew") as new:
            primary = {"port": old}
            with stand_in(lambda command: names("127.0.0.1", primary["port"])(command)) as sentinel:
                url = address_of(sentinel)
                reader, writer = open_async_client(url), open_client(url, retry=None)
                first = await reader.get("a")
                primary["port"] = new
                await asyncio.to_thread(writer.get, "a")
                second = await reader.get("a")
                await reader.aclose()
                return [first, second]

    assert asyncio.run(read()) == [b"old", b"new"]


def test_any_other_answer_leaves_the_connection_where_it_is() -> None:
    assert left_for(redis.ResponseError("WRONGTYPE Operation against a key")) is None
    assert left_for(redis.ResponseError("ERR unknown command 'READONLYX'")) is None

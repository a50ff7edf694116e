"""Clients of Redis: whatever fails inside them, on a closed connection or in a broken stream, is Redis away."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis
import redis.asyncio
import uvloop

from probes.process.connections.surviving import survive
from probes.process.redis_client import connection_to, described, is_away
from probes.text import without_arguments
from tests.probes.loopback import serving

FAULTS = [
    RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed"),
    asyncio.InvalidStateError("invalid state"),
    BufferError("Existing exports of data: object cannot be re-sized"),
    struct.error("unpack requires a buffer of 4 bytes"),
    AttributeError("'NoneType' object has no attribute 'writelines'"),
    ValueError("invalid literal for int() with base 10: b'x'"),
    RecursionError("maximum recursion depth exceeded"),
]
BROKEN_STREAMS = [
    b":abc\r\n", b"*2\r\n+OK\r\n", b"$5\r\nab", b"$x\r\n", b"$99999999999999999999\r\n",
    b"HTTP/1.1 400\r\n\r\n", b"\xff\xfe\r\n", b"*1\r\n" * 2_000, b"%1\r\n", b"_\r\n\r\n", b"",
]  # fmt: skip
Story = Callable[[redis.asyncio.Redis], Awaitable[None]]


def with_client(url: str, story: Story) -> None:
    async def run() -> None:
        client = connection_to(url)
        try:
            await asyncio.wait_for(story(client), 20)
        finally:
            await client.aclose()

    uvloop.run(run())


def connection_of(client: redis.asyncio.Redis) -> Any:
    (connection,) = client.connection_pool._available_connections
    return connection


@pytest.mark.parametrize("how", ["abort", "close"])
def test_a_transport_closed_underneath_is_away_and_the_next_command_works(redis_url: str, how: str) -> None:
    async def story(client: redis.asyncio.Redis) -> None:
        await client.ping()
        getattr(connection_of(client)._writer.transport, how)()
        with contextlib.suppress(redis.RedisError, OSError):
            await client.set("a", 1)
        assert await client.set("a", 2)

    with_client(redis_url, story)


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
@pytest.mark.parametrize("place", ["writelines", "close"])
def test_a_fault_of_the_library_is_away_and_the_next_call_works(redis_url: str, fault: Exception, place: str) -> None:
    class Failing:
        """A writer whose transport is gone."""

        def __init__(self, writer: Any) -> None:
            self._writer = writer

        def __getattr__(self, name: str) -> Any:
            return getattr(self._writer, name)

        def writelines(self, parts: Any) -> None:
            raise fault

        def close(self) -> None:
            self._writer.close()
            if place == "close":
                raise fault

    async def story(client: redis.asyncio.Redis) -> None:
        await client.ping()
        connection = connection_of(client)
        connection._writer = Failing(connection._writer)
        with pytest.raises(redis.RedisError) as raised:
            await client.set("a", 1)
        assert is_away(raised.value)
        assert await client.set("a", 2)

    with_client(redis_url, story)


@pytest.mark.parametrize("stream", BROKEN_STREAMS, ids=lambda stream: repr(stream[:12]))
def test_a_broken_stream_is_an_error_of_redis(on_loop: Any, stream: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(stream)
        writer.close()

    async def story() -> None:
        async with serving(answer) as port:
            client = connection_to(f"redis://127.0.0.1:{port}/0?protocol=2")
            with pytest.raises((redis.RedisError, OSError)):
                await asyncio.wait_for(client.ping(), 10)
            await client.aclose()

    on_loop(story())


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_the_same_holds_for_a_client_without_an_event_loop(redis_url: str, fault: Exception) -> None:
    with survive(redis.Redis.from_url(redis_url, retry=None)) as client:
        client.ping()
        (connection,) = client.connection_pool._available_connections

        class Failing:
            def sendall(self, data: bytes) -> None:
                raise fault

            def __getattr__(self, name: str) -> Any:
                return getattr(held, name)

        held, connection._sock = connection._sock, Failing()
        with pytest.raises(redis.ConnectionError, match="the client failed on its connection"):
            client.set("a", 1)
        assert client.set("a", 2)


@pytest.mark.parametrize("url", ["redis://h/0", "rediss://h/0", "unix:///tmp/x.sock"])
def test_every_kind_of_connection_survives(url: str) -> None:
    assert connection_to(url).connection_pool.connection_class.__name__ == "SurvivingConnection"


@pytest.mark.parametrize("payload", ["OOM hush-hush", "x) of pipeline caused error: ('BUSY hush-hush", "\nhush-hush\n"])
def test_what_was_sent_to_redis_is_no_part_of_why_it_failed(redis_url: str, payload: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("a", "of another type")
        with pytest.raises(redis.ResponseError) as raised, client.pipeline() as pipe:
            pipe.xadd("a", {"body": payload})
            pipe.execute()
    assert "Command # 1 (XADD" in str(raised.value), "redis-py shows the arguments"
    assert described(raised.value) == "ResponseError (WRONGTYPE)"
    assert not is_away(raised.value), "words in what was sent are no words of Redis"
    shown = without_arguments(str(raised.value))
    assert (
        shown.startswith("Command # 1 (***) of pipeline caused error: ")
        and "WRONGTYPE" in shown
        and "hush" not in shown
    )


def test_an_unknown_command_is_named_without_its_arguments() -> None:
    told = "ERR unknown command 'XADDD', with args beginning with: 'a' 'hush'"
    assert without_arguments(told) == "ERR unknown command 'XADDD', with args beginning with: ***"
    assert described(redis.ResponseError(told)) == "ResponseError (ERR)"

"""Redis clients: of a region, which waits for Redis at the start and bounds every wait afterwards, and for all others.

What fails inside the client itself, on a connection closed under it or in a broken stream, is Redis away.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import redis
import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from probes.text import without_credentials
from probes.transport_faults import is_transport_fault

_PATIENCE_S = 10.0
Client = TypeVar("Client", redis.Redis, redis.asyncio.Redis)


class RedisUnreachable(Exception):
    """Redis did not answer while the worker started, in one line for people."""


class RedisRefuses(RedisUnreachable):
    """Redis answered, and refuses our login."""


#: What keeps redis-py from sending CLIENT, which a region's user may not.
WITHOUT_CLIENT: Mapping[str, Any] = {
    "driver_info": None,
    "maint_notifications_config": MaintNotificationsConfig(enabled=False),
}


def connection_to(url: str) -> redis.asyncio.Redis:
    """A client whose failures are ours to retry, with every wait bounded."""
    client = redis.asyncio.Redis.from_url(
        url,
        socket_timeout=5,
        socket_connect_timeout=2,
        socket_keepalive=True,
        health_check_interval=0,
        retry=Retry(NoBackoff(), 0),
        **WITHOUT_CLIENT,
    )
    return survive(client)


def survive(client: Client) -> Client:
    """The client, whose connections raise `redis.ConnectionError` where they failed in their own code."""
    pool = client.connection_pool
    kind = _async_kind if isinstance(client, redis.asyncio.Redis) else _kind
    pool.connection_class = kind(pool.connection_class)
    return client


def _async_kind(base: Any) -> Any:
    class SurvivingConnection(base):  # type: ignore[misc]  # a class of redis-py: for TCP, TLS or a socket file
        """A connection to Redis whose own faults are those of the network."""

        async def connect(self, *args: Any, **options: Any) -> None:
            await _awaited(super().connect(*args, **options))

        async def send_packed_command(self, *args: Any, **options: Any) -> None:
            await _awaited(super().send_packed_command(*args, **options))

        async def read_response(self, *args: Any, **options: Any) -> Any:
            return await _awaited(super().read_response(*args, **options))

        async def can_read(self, *args: Any, **options: Any) -> Any:
            return await _awaited(super().can_read(*args, **options))

        async def disconnect(self, *args: Any, **options: Any) -> None:
            try:
                await super().disconnect(*args, **options)
            except Exception as error:  # whatever it is, the connection is gone
                self._reader = self._writer = None
                if not is_transport_fault(error):
                    raise

    return SurvivingConnection


def _kind(base: Any) -> Any:
    class SurvivingConnection(base):  # type: ignore[misc]  # a class of redis-py: for TCP, TLS or a socket file
        """A connection to Redis whose own faults are those of the network."""

        def send_packed_command(self, *args: Any, **options: Any) -> None:
            try:
                super().send_packed_command(*args, **options)
            except Exception as error:
                raise _of_network(error) from error

        def read_response(self, *args: Any, **options: Any) -> Any:
            try:
                return super().read_response(*args, **options)
            except Exception as error:
                raise _of_network(error) from error

    return SurvivingConnection


async def _awaited(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await work
    except Exception as error:
        raise _of_network(error) from error


def _of_network(error: Exception) -> Exception:
    """The error, if it is one of Redis or the network. Any other comes out of the client: no code of ours is in it."""
    if isinstance(error, redis.exceptions.RedisError | OSError):
        return error
    return redis.exceptions.ConnectionError(f"the client failed on its connection ({type(error).__name__}: {error})")


class ReplyTooLarge(redis.exceptions.RedisError):
    """An answer of Redis had more bytes than this client reads of one; its connection is closed."""


class _CountedSocket:
    """A socket that gives `left` bytes at most, until that is set again."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self.left = 0

    def recv(self, most: int) -> bytes:
        data = self._inner.recv(most)
        self._count(len(data))
        return data

    def recv_into(self, buffer: bytearray, most: int = 0) -> int:
        size = self._inner.recv_into(buffer, most)
        self._count(size)
        return size

    def _count(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise ReplyTooLarge("an answer of Redis is too large to be read")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _BoundedReplies:
    """What a connection needs to bound the bytes of each reply. A part of the classes that `bounded` makes."""

    most_bytes = 0
    _sock: Any

    def _connect(self) -> Any:
        counted = _CountedSocket(super()._connect())  # type: ignore[misc]
        counted.left = self.most_bytes
        return counted

    def read_response(self, *args: Any, **options: Any) -> Any:
        if self._sock is not None:
            self._sock.left = self.most_bytes
        return super().read_response(*args, **options)  # type: ignore[misc]


def bounded(client: redis.Redis, most_bytes: int) -> redis.Redis:
    """A client of the same Redis that reads at most so many bytes of a reply; beyond them it raises `ReplyTooLarge`.

    A region may write half a gigabyte to a key of its own: without a bound that would be in the memory of the reader
    before anything could be said of it.
    """
    pool = client.connection_pool
    kind = type("BoundedConnection", (_BoundedReplies, pool.connection_class), {"most_bytes": most_bytes})
    options = {name: value for name, value in pool.connection_kwargs.items() if name != "connection_class"}
    return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=kind, **options))


#: What Redis says when it answers and takes nothing from us: its own word, and ours.
_REFUSALS = {
    "OOM": "Redis is full (OOM)",
    "BUSY": "Redis is held up by a script (BUSY)",
    "READONLY": "Redis is a replica that takes no writes (READONLY)",
    "LOADING": "Redis is loading its file (LOADING)",
    "MASTERDOWN": "Redis has lost its master (MASTERDOWN)",
    "NOREPLICAS": "Redis has too few replicas (NOREPLICAS)",
    "MISCONF": "Redis cannot write to its disk (MISCONF)",
    "CLUSTERDOWN": "the Redis cluster is down (CLUSTERDOWN)",
    "TRYAGAIN": "the Redis cluster moves these keys (TRYAGAIN)",
    "NOPERM": "Redis does not allow this to our user (NOPERM)",
    "user executing the script can't": "Redis does not allow this to our user (NOPERM)",
    "NOAUTH": "Redis asks for a password (NOAUTH)",
    "WRONGPASS": "Redis refuses our user or password (WRONGPASS)",
    "max number of clients reached": "Redis has no connection left (max number of clients)",
}
#: Errors whose text the client has taken the word out of.
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (redis.exceptions.OutOfMemoryError, "OOM"),
    (redis.exceptions.ReadOnlyError, "READONLY"),
    (redis.exceptions.BusyLoadingError, "LOADING"),
    (redis.exceptions.MasterDownError, "MASTERDOWN"),
    (redis.exceptions.ClusterDownError, "CLUSTERDOWN"),
    (redis.exceptions.TryAgainError, "TRYAGAIN"),
    (redis.exceptions.NoPermissionError, "NOPERM"),
    (redis.exceptions.AuthenticationError, "WRONGPASS"),
)
#: At the beginning, behind the command of a pipeline, or in what a script passed on; not as part of another word.
_WORD = re.compile(rf"(?<![A-Za-z])({'|'.join(_REFUSALS)})(?![A-Za-z])")
_REFUSED = (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError)


def refusal(error: BaseException) -> str:
    """In words, why Redis cannot be reached or takes nothing just now, so that what we have is to wait; else ""."""
    for kind, word in _KINDS:
        if isinstance(error, kind):
            found = _WORD.search(str(error))
            return _REFUSALS[found[1] if found else word]
    if isinstance(error, redis.exceptions.RedisError):
        found = _WORD.search(str(error))
        if found:
            return _REFUSALS[found[1]]
    if isinstance(error, redis.exceptions.TimeoutError):
        return "Redis does not answer in time"
    if isinstance(error, redis.exceptions.ConnectionError | OSError):
        return "Redis cannot be reached"
    return ""


def is_away(error: Exception) -> bool:
    """Whether Redis cannot be reached or takes nothing just now."""
    return bool(refusal(error))


def is_refused(error: Exception) -> bool:
    """Whether Redis answers and refuses this user: not a failure of the network."""
    return isinstance(error, _REFUSED)


async def await_redis(connection: redis.asyncio.Redis, url: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            await connection.ping()
            return
        except (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError):
            raise RedisRefuses(
                f"Redis at {without_credentials(url)} refuses the login: check user and password in VIGIL_REDIS_URL"
            ) from None
        except (redis.exceptions.RedisError, OSError):
            if time.monotonic() > deadline:
                raise RedisUnreachable(
                    f"no Redis at {without_credentials(url)} for {_PATIENCE_S:.0f} s: "
                    "start it, or set VIGIL_REDIS_URL to where it is"
                ) from None
            await asyncio.sleep(0.25)

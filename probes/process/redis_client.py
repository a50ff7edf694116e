"""Redis client of a region: waits for Redis at the start, and bounds every wait afterwards."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import redis
import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from probes.process.connections.clients import open_async_client
from probes.process.connections.options import WITHOUT_CLIENT
from probes.process.connections.split import SplitRedis
from probes.text import without_arguments, without_credentials

_PATIENCE_S = 10.0


class RedisUnreachable(Exception):
    """Redis did not answer while the worker started, in one line for people."""


class RedisRefuses(RedisUnreachable):
    """Redis answered, and refuses our login."""


def connection_to(url: str, authority: str = "") -> redis.asyncio.Redis:
    """A client whose failures are ours to retry, with every wait bounded.

    `authority` is the certificate (PEM) of the server's authority, where this host does not know it.
    """
    return open_async_client(
        url,
        authority,
        socket_timeout=5,
        socket_connect_timeout=2,
        socket_keepalive=True,
        health_check_interval=0,
        retry=Retry(NoBackoff(), 0),
    )


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
    if isinstance(client, SplitRedis):
        return SplitRedis(bounded(client.control, most_bytes), bounded(client.regions, most_bytes))
    pool = client.connection_pool
    kind = type("BoundedConnection", (_BoundedReplies, pool.connection_class), {"most_bytes": most_bytes})
    options = {name: value for name, value in pool.connection_kwargs.items() if name != "connection_class"}
    # A pool keeps this to itself, so that the other's is gone: without it redis-py sends CLIENT.
    options |= WITHOUT_CLIENT
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
    "Authentication required": "Redis asks for a password (NOAUTH)",
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
#: Redis' code of an error: its first word, behind what a pipeline puts before it.
_CODE = re.compile(r"(?:\A|.* of pipeline caused error: \(?['\"]?)([A-Z]{2,20})(?![A-Za-z])", re.DOTALL)
_REFUSED = (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError)


def refusal(error: BaseException) -> str:
    """In words, why Redis cannot be reached or takes nothing just now, so that what we have is to wait; else ""."""
    for kind, word in _KINDS:
        if isinstance(error, kind):
            found = _WORD.search(without_arguments(str(error)))
            return _REFUSALS[found[1] if found else word]
    if isinstance(error, redis.exceptions.RedisError):
        found = _WORD.search(without_arguments(str(error)))
        if found:
            return _REFUSALS[found[1]]
    if isinstance(error, redis.exceptions.TimeoutError):
        return "Redis does not answer in time"
    if isinstance(error, redis.exceptions.ConnectionError | OSError):
        return "Redis cannot be reached"
    return ""


def described(error: BaseException) -> str:
    """Why Redis failed, for a log: our words for it, or the kind of error with Redis' code. Never what was sent."""
    code = _CODE.search(str(error)) if isinstance(error, redis.exceptions.ResponseError) else None
    return refusal(error) or (f"{type(error).__name__} ({code[1]})" if code else type(error).__name__)


def is_away(error: Exception) -> bool:
    """Whether Redis cannot be reached or takes nothing just now."""
    return bool(refusal(error))


def is_refused(error: Exception) -> bool:
    """Whether Redis answers and refuses this user: not a failure of the network."""
    return isinstance(error, _REFUSED)


async def await_redis(connection: redis.asyncio.Redis, url: str, ask: Callable[[], Awaitable[object]]) -> None:
    """Wait until Redis answers, also to what is asked of it; a link that loses much may take more than one try."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            await connection.ping()
            await ask()
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

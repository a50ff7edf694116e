"""Redis client of a region: waits for Redis at the start, and bounds every wait afterwards."""

from __future__ import annotations

import asyncio
import time

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from probes.process.logs import without_credentials

_PATIENCE_S = 10.0


class RedisUnreachable(Exception):
    """Redis did not answer while the worker started, in one line for people."""


class RedisRefuses(RedisUnreachable):
    """Redis answered, and refuses our login."""


def connection_to(url: str) -> redis.asyncio.Redis:
    """A client whose failures are ours to retry, with every wait bounded."""
    return redis.asyncio.Redis.from_url(
        url,
        socket_timeout=5,
        socket_connect_timeout=2,
        socket_keepalive=True,
        health_check_interval=0,
        retry=Retry(NoBackoff(), 0),
    )


#: Errors of a Redis that takes no writes: full, without a master, in a failover, not loaded, not allowed to us.
_REFUSALS = (
    "READONLY", "OOM", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "TRYAGAIN", "BUSY",
    "NOPERM", "NOAUTH", "WRONGPASS",
)  # fmt: skip
_AWAY = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.NoPermissionError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.MasterDownError,
    redis.exceptions.TryAgainError,
    OSError,
)
_REFUSED = (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError)


def is_away(error: Exception) -> bool:
    """Whether Redis cannot be reached or takes nothing just now, so that what we have is to wait."""
    if isinstance(error, _AWAY):
        return True
    return isinstance(error, redis.exceptions.ResponseError) and str(error).startswith(_REFUSALS)


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

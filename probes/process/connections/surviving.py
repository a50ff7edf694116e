"""Surviving connections to Redis: what fails inside the client itself, on a connection that was closed under it or in a
broken stream, is Redis away."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import redis.asyncio
import redis.exceptions

from probes.transport_faults import is_transport_fault

Client = TypeVar("Client", redis.Redis, redis.asyncio.Redis)


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

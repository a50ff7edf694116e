"""Connections to the primary that Redis Sentinel names: asked for at each connect, and left when it is one no more.

A Sentinel names the primary that it knows, which just after a failover may be the last one, and so may those of a side
that was cut off: the address that more than half of all that are configured name counts. A server that says that it is
a replica now, or has lost its replicas, is left at once, and the next connection goes to where the Sentinels say. All
others of this process follow at their next command: a primary that was handed over takes reads for 10 s more, and has
nothing new to give. Sentinels are asked with one command only, since a region's login is to have no other: `SENTINEL
GET-MASTER-ADDR-BY-NAME` (https://redis.io/docs/latest/develop/reference/sentinel-clients/).
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import redis
import redis.asyncio
import redis.exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from probes.process.connections.address import Place, RedisAddress
from probes.process.connections.options import WITHOUT_CLIENT
from probes.process.connections.plaintext import is_public

#: For one Sentinel: with nine of them, all away, the answer takes no longer than a minute's quarter (s).
DEADLINE_S = 1.5
#: What a server says that is no primary any more, or may have been replaced; also in what a script passed on.
_LEFT = re.compile(r"(?<![A-Za-z])(READONLY|MASTERDOWN|NOREPLICAS|UNBLOCKED)(?![A-Za-z])")

#: Flags of a replica that a Sentinel does not reach.
_AWAY = frozenset({"s_down", "o_down", "disconnected"})
#: The primary that the Sentinels named last, by their places and its name: one for all connections of this process.
_named_last: dict[tuple[tuple[Place, ...], str], Place] = {}


class PrimaryUnknown(redis.exceptions.ConnectionError):
    """Not more than half of the Sentinels answer and name the same primary."""


def primary_of(address: RedisAddress, trusted: Mapping[str, Any]) -> Place:
    """Host and port of the primary; raises `PrimaryUnknown`. `trusted` is what redis-py takes for TLS."""
    named: Counter[Place] = Counter()
    for sentinel in address.places:
        found = _ask(address, sentinel, trusted)
        if found is not None:
            named[found] += 1
            if named[found] * 2 > len(address.places):
                _named_last[address.places, address.service] = _admitted(address, found)
                return found
    raise PrimaryUnknown(
        f"{max(named.values(), default=0)} of {len(address.places)} Sentinels name the same primary {address.service}, "
        "and more than half have to"
    )


def _admitted(address: RedisAddress, primary: Place) -> Place:
    """This primary, if the password may be sent to it."""
    if not address.is_tls and is_public(primary[0]):
        raise PrimaryUnknown("the Sentinels name a public address, and redis+sentinel:// shows the password there")
    return primary


def is_named(address: RedisAddress, host: str, port: int) -> bool:
    """Whether a connection to this server is to one that the Sentinels named last, or that nothing is known against."""
    return _named_last.get((address.places, address.service), (host, port)) == (host, port)


def replicas_of(address: RedisAddress, trusted: Mapping[str, Any]) -> list[Place]:
    """The replicas that the Sentinels reach; raises `PrimaryUnknown`."""
    for sentinel in address.places:
        try:
            with _client(address, sentinel, trusted) as client:
                rows = client.execute_command("SENTINEL", "REPLICAS", address.service)
        except (redis.exceptions.RedisError, OSError):
            continue
        reached = [row for row in map(_fields, rows) if not _AWAY & set(_text(row["flags"]).split(","))]
        return [(_text(row["ip"]), int(row["port"])) for row in reached]
    raise PrimaryUnknown(f"no Sentinel tells the replicas of {address.service}")


def sentinel_kind(base: Any, address: RedisAddress, trusted: Mapping[str, Any]) -> Any:
    """The connection class `base` of redis-py, whose connections go to the primary.

    One that waits for an answer under the eyes of an event loop must not change its socket: see `following_kind`.
    """

    class SentinelConnection(base):  # type: ignore[misc]  # for TCP or TLS
        """A connection to the primary."""

        def _connect(self) -> Any:
            self.host, self.port = primary_of(address, trusted)
            return super()._connect()

        def read_response(self, *args: Any, **options: Any) -> Any:
            try:
                return super().read_response(*args, **options)
            except redis.exceptions.ResponseError as error:
                left = left_for(error)
                if left is None:
                    raise
                self.disconnect()
                raise left from error

    return SentinelConnection


def following_kind(base: Any, address: RedisAddress, trusted: Mapping[str, Any]) -> Any:
    """The same, for connections that go to another primary by themselves when the Sentinels name one."""

    class FollowingConnection(sentinel_kind(base, address, trusted)):  # type: ignore[misc]  # for TCP or TLS
        """A connection to the primary, wherever that goes."""

        def send_packed_command(self, command: Any, check_health: bool = True) -> Any:
            # The greeting of a connection that is being made asks for no such check, as for none of health.
            if check_health and self._sock is not None and not is_named(address, self.host, self.port):
                self.disconnect()
            return super().send_packed_command(command, check_health)

    return FollowingConnection


def async_sentinel_kind(base: Any, address: RedisAddress, trusted: Mapping[str, Any]) -> Any:
    """The same as `following_kind`, for a connection class of redis-py's asyncio."""

    class SentinelConnection(base):  # type: ignore[misc]  # for TCP or TLS
        """A connection to the primary."""

        async def _connect(self) -> None:
            self.host, self.port = await asyncio.to_thread(primary_of, address, trusted)
            await super()._connect()

        async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            if check_health and self.is_connected and not is_named(address, self.host, self.port):
                await self.disconnect()
            await super().send_packed_command(command, check_health)

        async def read_response(self, *args: Any, **options: Any) -> Any:
            try:
                return await super().read_response(*args, **options)
            except redis.exceptions.ResponseError as error:
                left = left_for(error)
                if left is None:
                    raise
                await self.disconnect()
                raise left from error

    return SentinelConnection


def left_for(error: redis.exceptions.ResponseError) -> redis.exceptions.ConnectionError | None:
    """What a connection fails with whose server answered so that it is to be left; None for any other answer."""
    if isinstance(error, redis.exceptions.ReadOnlyError):
        word = "READONLY"
    elif isinstance(error, redis.exceptions.MasterDownError):
        word = "MASTERDOWN"
    else:
        found = _LEFT.search(str(error))
        if found is None:
            return None
        word = found[1]
    return redis.exceptions.ConnectionError(f"{word}: the server is no primary that takes writes")


def _ask(address: RedisAddress, sentinel: Place, trusted: Mapping[str, Any]) -> Place | None:
    try:
        with _client(address, sentinel, trusted) as client:
            found = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.service)
        return (_text(found[0]), int(found[1])) if found else None
    except (redis.exceptions.RedisError, OSError, ValueError):
        return None


def _client(address: RedisAddress, sentinel: Place, trusted: Mapping[str, Any]) -> redis.Redis:
    return redis.Redis.from_url(
        address.sentinel_at(sentinel),
        socket_timeout=DEADLINE_S,
        socket_connect_timeout=DEADLINE_S,
        retry=Retry(NoBackoff(), 0),
        **WITHOUT_CLIENT,
        **trusted,
    )


def _fields(row: Any) -> dict[str, Any]:
    """A row as RESP 2 has it, names and values in turn, or as RESP 3 does."""
    pairs = row.items() if isinstance(row, dict) else zip(row[::2], row[1::2], strict=True)
    return {_text(name): value for name, value in pairs}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

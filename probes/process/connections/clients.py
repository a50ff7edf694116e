"""Clients of Redis, made in one place: of a server, or of the primary that Sentinels name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis
import redis.asyncio

from probes.process.connections.address import RedisAddress, parse_redis_url
from probes.process.connections.options import WITHOUT_CLIENT
from probes.process.connections.sentinel import async_sentinel_kind, following_kind
from probes.process.connections.split import SplitRedis
from probes.process.connections.surviving import survive


def open_client(url: str, authority: str = "", **options: Any) -> redis.Redis:
    """A client that connects when it is first used; raises ValueError where the URL is none.

    `authority` is the certificate (PEM) of the server's authority, where this host does not know it. `options` are
    those of `redis.Redis`. What fails inside a connection is raised as `redis.ConnectionError`.
    """
    address = parse_redis_url(url)
    trusted = trust(address, authority)
    client = redis.Redis.from_url(address.server_url, **options, **WITHOUT_CLIENT, **trusted)
    if address.service:
        pool = client.connection_pool
        pool.connection_class = following_kind(pool.connection_class, address, trusted)
    return survive(client)


def open_both(url: str, control_url: str, **options: Any) -> redis.Redis:
    """A client of the Redis that regions reach, at `url`, and of the control plane's own, where that is another."""
    client = open_client(url, **options)
    if not control_url or control_url == url:
        return client
    return SplitRedis(open_client(control_url, **options), client)


def open_async_client(url: str, authority: str = "", **options: Any) -> redis.asyncio.Redis:
    """The same for asyncio."""
    address = parse_redis_url(url)
    trusted = trust(address, authority)
    client = redis.asyncio.Redis.from_url(address.server_url, **options, **WITHOUT_CLIENT, **trusted)
    if address.service:
        pool = client.connection_pool
        pool.connection_class = async_sentinel_kind(pool.connection_class, address, trusted)
    return survive(client)


def trust(address: RedisAddress, authority: str) -> Mapping[str, Any]:
    """What redis-py takes to know a server by the certificate of its authority; nothing without TLS."""
    return {"ssl_ca_data": authority} if authority and address.is_tls else {}

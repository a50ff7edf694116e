"""Servers of Redis of this installation, and what each says of itself: also replicas, Sentinels and the ping log."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, cast

import redis

from probes.process.connections.clients import open_client
from probes.process.connections.plaintext import is_this_machine
from probes.process.connections.servers import ServerRole, servers_of
from vigil.configuration import configuration

_DEADLINE_S = 2.0


def servers_elsewhere() -> Mapping[str, Mapping[str, Any]]:
    """The section `server` of INFO of each server off this machine that answers, by its name."""
    settings, found = configuration(), {}
    for url in dict.fromkeys((settings.redis_url.get_secret_value(), settings.control_url, settings.ping_log_url)):
        with contextlib.suppress(redis.RedisError):
            for server in servers_of(url, set(ServerRole)):
                host = server.name.rpartition(":")[0]
                if server.name in found or is_this_machine(host):
                    continue
                with contextlib.suppress(redis.RedisError), _client(server.url) as client:
                    found[server.name] = cast(dict[str, Any], client.info("server"))
    return found


def _client(url: str) -> redis.Redis:
    return open_client(url, socket_timeout=_DEADLINE_S, socket_connect_timeout=_DEADLINE_S)

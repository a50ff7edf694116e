"""Servers behind an address of Redis: one, or with Sentinels the primary, its replicas and the Sentinels themselves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from probes.process.connections.address import Place, parse_redis_url
from probes.process.connections.sentinel import primary_of, replicas_of


class ServerRole(StrEnum):
    """What a server does."""

    PRIMARY = "primary"
    REPLICA = "replica"
    SENTINEL = "Sentinel"


@dataclass(frozen=True, slots=True)
class RedisServer:
    """One server, by its own URL."""

    role: ServerRole
    name: str
    url: str = field(repr=False)


#: Those that hold keys, and users of their own each: what ACL SETUSER makes on one is not replicated.
HOLDERS = frozenset({ServerRole.PRIMARY, ServerRole.REPLICA})


def servers_of(url: str, roles: Collection[ServerRole] = HOLDERS) -> list[RedisServer]:
    """The servers of an address, the primary first; raises ValueError and `redis.RedisError`.

    Replicas that the Sentinels do not reach are left out: they are here again when they are back.
    """
    address = parse_redis_url(url)
    if not address.service:
        name = _name(address.places[0]) if address.places else address.path
        return [RedisServer(ServerRole.PRIMARY, name, address.server_url)]
    found: list[tuple[ServerRole, Place]] = []
    if ServerRole.PRIMARY in roles:
        found.append((ServerRole.PRIMARY, primary_of(address, {})))
    if ServerRole.REPLICA in roles:
        found += [(ServerRole.REPLICA, place) for place in replicas_of(address, {})]
    holders = [RedisServer(role, _name(place), address.at(place)) for role, place in found]
    sentinels = address.places if ServerRole.SENTINEL in roles else ()
    return holders + [RedisServer(ServerRole.SENTINEL, _name(place), address.sentinel_at(place)) for place in sentinels]


def _name(place: Place) -> str:
    return f"{place[0]}:{place[1]}"

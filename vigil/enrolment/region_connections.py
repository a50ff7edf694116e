"""Connections of regions' workers to Redis: how many each has, what Redis holds for them, and their end.

A region that does not read its answers fills the memory without a key, and one that opens connections keeps others out.
One connection is kept for all of it: where a region has taken all others, no new one is made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import redis
import structlog

from probes import keys
from probes.process.redis_client import described, is_away
from vigil.enrolment.redis_access import ending_commands, open_users_client, users_url

log = structlog.get_logger()


@dataclass(slots=True)
class HeldConnections:
    """Connections of one region, and what Redis holds for them (bytes)."""

    number: int = 0
    bytes: int = 0


def connections_of(regions: Collection[str]) -> Mapping[str, HeldConnections]:
    """The connections of each region that has some, at the primary; of none where Redis does not let us see them."""
    named = {keys.user(slug): slug for slug in regions}
    found: dict[str, HeldConnections] = {}
    for client in _listed():
        slug = named.get(client.get("user", ""))
        if slug is not None:
            held = found.setdefault(slug, HeldConnections())
            held.number += 1
            held.bytes += int(client.get("tot-mem", 0))
    return found


def end_connections(region: str) -> None:
    """Close the connections of a region at once, and take its user at the primary; the caller ends it everywhere."""
    try:
        for command in ending_commands(region):
            _kept(users_url()).execute_command(*command)
    except redis.RedisError as error:
        log.warning("redis.connections_not_ended", region=region, error=described(error))


def _listed() -> list[dict[str, Any]]:
    try:
        return cast(list[dict[str, Any]], _kept(users_url()).client_list())
    except redis.RedisError as error:
        # The bounds of keys hold without it.
        if isinstance(error, redis.exceptions.NoPermissionError) or not is_away(error):
            _tell_unseen(described(error))
        return []


@lru_cache(maxsize=4)
def _kept(url: str) -> redis.Redis:
    return open_users_client(url)


@lru_cache(maxsize=8)
def _tell_unseen(error: str) -> None:
    log.warning("redis.connections_unseen", error=error, advice="give the user of VIGIL_USERS_REDIS_URL +client|list")

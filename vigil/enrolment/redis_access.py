"""Redis users of regions: made, changed and ended in Redis; their passwords are sealed in PostgreSQL.

A server that lets the control plane manage users loses them when it restarts without an ACL file: dispatch makes them
anew. One that does not is told about by the line that its operator has to run. Users are not replicated: with Sentinels
they are made on the primary and on every replica that answers, so that regions log in at once after a failover.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import redis
import structlog

from probes import keys
from probes.process.connections.address import parse_redis_url
from probes.process.connections.clients import open_client
from probes.process.connections.servers import HOLDERS, ServerRole, servers_of
from probes.process.redis_client import described, is_refused, refusal
from vigil.configuration import configuration
from vigil.enrolment.core.redis_users import hashed_region_rules
from vigil.enrolment.models import RedisAccess

log = structlog.get_logger()

#: How long the last password is taken beside a new one.
OVERLAP = timedelta(hours=1)
_DEADLINE_S = 3.0
_CA_BYTES_MOST = 100_000
_TRIES_MOST = 3
#: A change that no Redis makes, since there is no such rule; it says so where it would have made one.
_NO_CHANGE = ("ACL", "SETUSER", "worker-nobody", "no-such-rule")


class Management(StrEnum):
    """Whether the control plane manages the users of its Redis."""

    MANAGED = "managed"
    #: Redis lets its own operator alone do it.
    BY_HAND = "by hand"
    AWAY = "away"


@dataclass(slots=True)
class FailedServers:
    """Servers that did not take a change of users in one pass over regions, by name: they are not asked in it again."""

    by_name: dict[str, Management] = field(default_factory=dict)
    #: Why the pass is over: the primary failed, or could not be found.
    primary: Management = Management.MANAGED

    @property
    def any_is_away(self) -> bool:
        """Whether a server may take later what it did not take now."""
        return Management.AWAY in (self.primary, *self.by_name.values())


def acl_line(region: str, passwords: Sequence[str]) -> str:
    """The command that gives a region's user exactly its rights; passwords show as hashes only."""
    return f"ACL SETUSER {keys.user(region)} {hashed_region_rules(region, passwords)}"


def passwords_of(access: RedisAccess, now: datetime) -> list[str]:
    """The passwords that are taken now, the last one first."""
    is_taken = access.previous and access.previous_until and now < access.previous_until
    return [access.password, *([access.previous] if is_taken else [])]


def set_user(region: str, passwords: Sequence[str], failed: FailedServers | None = None) -> Management:
    """Make a region's user, or replace its rights and passwords."""
    rules = hashed_region_rules(region, passwords).split()
    return _do(failed or FailedServers(), ["ACL", "SETUSER", keys.user(region), *rules])


def keep_user(access: RedisAccess, now: datetime, failed: FailedServers | None = None) -> Management:
    """Make a user as it is stored, also where that changes meanwhile: a region that was revoked must not come back."""
    slug, found = access.region.slug, Management.MANAGED
    for _ in range(_TRIES_MOST):
        passwords = passwords_of(access, now)
        found = set_user(slug, passwords, failed)
        stored = RedisAccess.objects.filter(pk=access.pk).first()
        if stored is None:
            return end_user(slug, failed)
        if passwords_of(stored, now) == passwords:
            break
        access = stored
    return found


def end_user(region: str, failed: FailedServers | None = None) -> Management:
    """Delete a region's user, and close its connections at once."""
    return _do(failed or FailedServers(), *ending_commands(region))


def ending_commands(region: str) -> Sequence[Sequence[str]]:
    """What ends a user at one server: first without passwords, so that no worker comes back before it is deleted."""
    user = keys.user(region)
    return ["ACL", "SETUSER", user, "reset"], ["CLIENT", "KILL", "USER", user], ["ACL", "DELUSER", user]


def management() -> Management:
    """Whether the control plane manages the users of every server of its Redis; asked for without a change to any."""
    try:
        found = {_management_at(server.url) for server in servers_of(users_url())}
    except redis.RedisError:
        return Management.AWAY
    return next((one for one in (Management.BY_HAND, Management.AWAY) if one in found), Management.MANAGED)


def _management_at(url: str) -> Management:
    try:
        with open_users_client(url) as client:
            client.execute_command(*_NO_CHANGE)
    except redis.RedisError as error:
        if _NO_CHANGE[-1] in str(error):
            return Management.MANAGED
        return Management.BY_HAND if _is_by_hand(error) else Management.AWAY
    return Management.MANAGED


def set_all_users(now: datetime, but: Collection[str] = ()) -> FailedServers:
    """Make the users of all regions that were enrolled, but for these: a server may not know them.

    Returns which servers did not take them; a replica that fails keeps no region from the others.
    """
    failed, enrolled = FailedServers(), RedisAccess.objects.filter(region__public_key__isnull=False)
    for access in enrolled.exclude(region__slug__in=but).select_related("region"):
        keep_user(access, now, failed)
        if failed.primary is not Management.MANAGED:
            break
    return failed


def end_overlaps(now: datetime) -> None:
    """Take the passwords away whose time beside a newer one is over; it is done again until every server took it."""
    failed = FailedServers()
    for access in RedisAccess.objects.filter(previous_until__lte=now).select_related("region"):
        keep_user(access, now, failed)
        if failed.primary is Management.AWAY:
            break
        if not failed.any_is_away:
            RedisAccess.objects.filter(pk=access.pk, previous_until=access.previous_until).update(
                previous="", previous_until=None
            )


def server_infos(roles: Collection[ServerRole] = HOLDERS) -> Mapping[str, dict[str, Any]]:
    """What each server that answers says of itself, by its name. Its `run_id`, if it tells it, changes when it
    restarts. Raises `redis.RedisError` where none answers."""
    found: dict[str, dict[str, Any]] = {}
    for server in servers_of(users_url(), roles):
        with contextlib.suppress(redis.RedisError), open_users_client(server.url) as client:
            found[server.name] = cast(dict[str, Any], client.info("server"))
    if not found:
        raise redis.ConnectionError("no server of Redis answers")
    return found


def region_address(region: str, password: str) -> str:
    """The address of Redis for a region's worker, with its user and password."""
    settings = configuration()
    address = parse_redis_url(settings.regions_redis_url or settings.redis_url.get_secret_value())
    if not settings.regions_redis_url:
        # With the control plane's own login a region could change what the Sentinels do.
        address = replace(address, sentinel_login="")
    return address.for_user(keys.user(region), password)


def authority() -> str:
    """The certificate (PEM) by which workers know this Redis; empty where they know its authority anyway."""
    path: Path | None = configuration().regions_redis_ca
    if path is None:
        return ""
    with path.open() as opened:
        return opened.read(_CA_BYTES_MOST)


def users_url() -> str:
    """The address of Redis with the user that makes and ends those of regions."""
    settings = configuration()
    return (settings.users_redis_url or settings.redis_url).get_secret_value()


def open_users_client(url: str) -> redis.Redis:
    """A client that makes users, with a deadline."""
    return open_client(url, socket_timeout=_DEADLINE_S, socket_connect_timeout=_DEADLINE_S)


def _do(failed: FailedServers, *commands: Sequence[str]) -> Management:
    """Do it on every server that holds keys and has not failed; what is said is of the first that did."""
    try:
        servers = servers_of(users_url())
    except redis.RedisError as error:
        log.warning("redis.away", wanted="users", error=described(error))
        failed.primary = Management.AWAY
        return failed.primary
    found = Management.MANAGED
    for server in servers:
        done = failed.by_name.get(server.name) or _do_at(server.url, commands)
        if done is not Management.MANAGED:
            failed.by_name[server.name] = done
            found = done if found is Management.MANAGED else found
            failed.primary = done if server.role is ServerRole.PRIMARY else failed.primary
    return found


def _do_at(url: str, commands: Sequence[Sequence[str]]) -> Management:
    try:
        with open_users_client(url) as client:
            for command in commands:
                client.execute_command(*command)
    except redis.RedisError as error:
        if _is_by_hand(error):
            _tell_by_hand(_run_id(), described(error))
            return Management.BY_HAND
        log.warning("redis.away", wanted="users", error=described(error))
        return Management.AWAY
    return Management.MANAGED


def _is_by_hand(error: redis.RedisError) -> bool:
    """Whether Redis does not let us manage users; not where it takes nothing just now, as at a failover."""
    return is_refused(error) or (isinstance(error, redis.ResponseError) and not refusal(error))


@lru_cache(maxsize=8)
def _tell_by_hand(run_id: str, error: str) -> None:
    """Say it once for each run of Redis, and not each time that users are looked after."""
    log.warning("redis.users_by_hand", error=error, run_id=run_id)


def _run_id() -> str:
    with contextlib.suppress(redis.RedisError):
        return " ".join(sorted(str(one.get("run_id", "")) for one in server_infos().values()))
    return ""

"""Findings about PostgreSQL, Redis and settings."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import redis
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from probes.process.connections.plaintext import is_this_machine
from probes.process.connections.releases import is_patched, patched_releases, release_of
from probes.process.connections.split import SplitRedis
from probes.process.redis_streams import redis_now_ms
from vigil.configuration import configuration
from vigil.doctor.findings import ExaminationContext, Finding, Level, ago, note, problem, size, warning, well
from vigil.monitors.live.servers import servers_elsewhere

_LEAST_ROOM = 0.15
#: How far the clocks of two servers may be apart: what is signed by one is judged by the other, in seconds.
_CLOCKS_APART_MS = 1_000
#: What names each server.
_SETTINGS = {
    "Redis": "VIGIL_REDIS_URL",
    "The regions' Redis": "VIGIL_REDIS_URL",
    "The control plane's Redis": "VIGIL_CONTROL_REDIS_URL",
}


def answers(around: ExaminationContext) -> Iterator[Finding]:
    """Whether PostgreSQL answers; `tables` says which one it is."""
    if around.database_time is None:
        yield problem(
            "PostgreSQL does not answer: no incident is written, and most checks below are left out.",
            "Start it, or correct VIGIL_DATABASE_URL; its log says why it ended.",
        )


def tables(around: ExaminationContext) -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        yield problem(f"{len(waiting)} migrations are not applied.", "Run `manage.py migrate`, then restart.")
        return
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        yield well(f"PostgreSQL {cursor.fetchone()[0].split()[0]}, all tables up to date.")


def memory_policy(around: ExaminationContext) -> Iterator[Finding]:
    if not isinstance(around.redis, SplitRedis):
        yield from _memory(around.redis, "Redis")
        return
    named = {"The regions' Redis": around.redis.regions, "The control plane's Redis": around.redis.control}
    found = [finding for name, client in named.items() for finding in _memory(client, name)]
    yield from found
    if any(finding.level is Level.PROBLEM for finding in found):
        return
    apart_ms = abs(redis_now_ms(around.redis.regions) - redis_now_ms(around.redis.control))
    if apart_ms > _CLOCKS_APART_MS:
        yield warning(f"The clocks of the two servers of Redis differ by {ago(apart_ms / 1000)}.", "Run NTP on both.")


def _memory(client: redis.Redis, name: str) -> Iterator[Finding]:
    try:
        told = client.info("memory")
        version = client.info("server").get("redis_version", "")
    except redis.RedisError as error:
        yield problem(f"{name} does not answer ({type(error).__name__}).", f"Start it, or correct {_SETTINGS[name]}.")
        return
    # Hosted servers do not tell all of it.
    policy, used, most = told.get("maxmemory_policy"), int(told.get("used_memory", 0)), int(told.get("maxmemory", 0))
    if policy is None:
        yield note(f"{name} does not tell its maxmemory-policy.", "See at its host that it is `noeviction`.")
    elif policy != "noeviction":
        yield problem(f"{name} may drop messages (maxmemory-policy {policy}).", "Set `maxmemory-policy noeviction`.")
    if most and used > most * (1 - _LEAST_ROOM):
        yield warning(f"{name} has used {size(used)} of {size(most)}.", "Give it more memory before it refuses writes.")
    elif policy == "noeviction":
        yield well(f"{name} {version} holds {size(used)}.")
    if "maxmemory" in told and not most and not _is_local(client):
        yield warning(f"{name} has no `maxmemory`: a region can fill its machine.", "Set one: see deploy/README.md.")


def redis_release(around: ExaminationContext) -> Iterator[Finding]:
    """Holes of every server: also of replicas, Sentinels and the ping log."""
    for release in sorted({release_of(told) for told in servers_elsewhere().values()}):
        name, version = release
        if not is_patched(name, version):
            yield warning(
                f"{name} {version} has known holes, through which it could be taken over.",
                f"Use {patched_releases(name)} or a later one of these branches.",
            )


def _is_local(client: redis.Redis) -> bool:
    """Whether Redis serves this machine only, as in `up`."""
    return is_this_machine(client.connection_pool.connection_kwargs.get("host", ""))


def settings(around: ExaminationContext) -> Iterator[Finding]:
    found = configuration()
    if found.debug:
        yield warning("VIGIL_DEBUG is on: every visitor sees tracebacks.", "Set VIGIL_DEBUG=false in production.")
    if found.old_deadman_url is not None:
        yield warning("VIGIL_HEARTBEAT_URL is a deprecated name.", "Use VIGIL_DEADMAN_URL.")
    host = urlsplit(found.base_url).hostname or ""
    if host in ("localhost", "127.0.0.1", "::1"):
        yield warning(
            f"VIGIL_BASE_URL is {found.base_url}: links in alerts work on this machine only.",
            "Set it to the public address of the pages.",
        )
    elif not found.is_https:
        yield warning(f"VIGIL_BASE_URL is {found.base_url}, without TLS.", "Use a proxy with TLS.")
    else:
        yield well(f"Pages and links are at {found.base_url}.")

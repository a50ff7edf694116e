"""Health endpoints of the web process: liveness and readiness."""

from __future__ import annotations

import redis
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from probes.process.connections.split import SplitRedis
from vigil.away import refusal
from vigil.monitors.live.results import redis_client


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the database answers; a Redis outage is reported and needs no restart."""
    database, redis_away = _database_away(), _redis_away()
    report = {
        "process": "web",
        "ready": not database,
        "facts": {"database": not database, "redis": not redis_away, "away": _together(database, redis_away)},
    }
    return JsonResponse(report, status=503 if database else 200)


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database and Redis answer."""
    database, redis_away = _database_away(), _redis_away()
    away = _together(database, redis_away)
    report = {"ready": not away, "database": not database, "redis": not redis_away, "away": away}
    return JsonResponse(report, status=503 if away else 200)


def _together(*words: str) -> str | None:
    return "; ".join(filter(None, words)) or None


def _database_away() -> str:
    """In words, why PostgreSQL does not answer; empty when it does."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except (DatabaseError, InterfaceError) as error:
        return refusal(error) or "PostgreSQL does not answer"
    return ""


def _redis_away() -> str:
    client = redis_client()
    if isinstance(client, SplitRedis):
        apart = {"regions": client.regions, "control plane": client.control}
        return _together(*(f"{whose}: {words}" for whose, one in apart.items() if (words := _away(one)))) or ""
    return _away(client)


def _away(client: redis.Redis) -> str:
    try:
        client.ping()
    except redis.RedisError as error:
        return refusal(error) or "Redis does not answer"
    return ""

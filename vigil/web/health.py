"""Health endpoints of the web process: liveness and readiness."""

from __future__ import annotations

import redis
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from vigil.monitors.latest import redis_client


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the database answers; a Redis outage is reported and needs no restart."""
    database = _database_answers()
    report = {
        "process": "web",
        "ready": database,
        "facts": {"database": database, "redis": _redis_answers()},
    }
    return JsonResponse(report, status=200 if database else 503)


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database and Redis answer."""
    database, redis_answers = _database_answers(), _redis_answers()
    ready = database and redis_answers
    return JsonResponse({"ready": ready, "database": database, "redis": redis_answers}, status=200 if ready else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() == (1,)
    except (DatabaseError, InterfaceError):
        return False


def _redis_answers() -> bool:
    try:
        return bool(redis_client().ping())
    except redis.RedisError:
        return False

"""The page `/metrics` of the web process: for a scraper on this machine, or with an API token that may read."""

from __future__ import annotations

import math
from functools import lru_cache

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry

from vigil.accounts.models import Scope
from vigil.accounts.tokens import find_token
from vigil.guess_limits import SECRETS
from vigil.metrics.dead_letters import DeadLetterCollector
from vigil.metrics.letters import LetterCollector
from vigil.metrics.minutes_lost import MinutesLostCollector
from vigil.metrics.notices import NoticeCollector
from vigil.metrics.refusals import RefusalCollector
from vigil.metrics.registry import exposed, registry_of
from vigil.metrics.shards import ShardCollector

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
#: Headers by which a proxy says that it passes on what another asked.
_FORWARDED = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO")


@lru_cache(maxsize=1)
def registry() -> CollectorRegistry:
    """The registry of the web process, which also tells what is in the servers."""
    return registry_of(
        "web",
        DeadLetterCollector(),
        LetterCollector(),
        MinutesLostCollector(),
        NoticeCollector(),
        RefusalCollector(),
        ShardCollector(),
    )


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics as text; 401 without a token from elsewhere, 503 while PostgreSQL is away."""
    if not _is_from_this_machine(request):
        refused = _refused(request)
        if refused is not None:
            return refused
    try:
        text, content_type = exposed(registry(), request.headers.get("Accept", ""))
    except DatabaseError:
        return HttpResponse("PostgreSQL is away.\n", content_type="text/plain", status=503)
    return HttpResponse(text, content_type=content_type)


def _is_from_this_machine(request: HttpRequest) -> bool:
    """Whether a program here asks, and no proxy here for another machine."""
    meta = request.META
    host = request.get_host().rsplit(":", 1)[0] if not request.get_host().endswith("]") else request.get_host()
    is_forwarded = meta.get("vigil.is_forwarded") or any(name in meta for name in _FORWARDED)
    return meta.get("REMOTE_ADDR", "") in _LOOPBACK and host in _OWN_HOSTS and not is_forwarded


def _refused(request: HttpRequest) -> HttpResponse | None:
    scheme, _, plain = request.headers.get("Authorization", "").partition(" ")
    token = find_token(plain.strip(), timezone.now()) if scheme.lower() == "bearer" else None
    if token is not None and Scope.READ in token.scopes:
        return None
    address = request.META.get("REMOTE_ADDR", "")
    wait_s = SECRETS.failed(address) if plain else 0.0
    answer = HttpResponse(
        "Send an API token with the scope `read`: `Authorization: Bearer vgl_...`.\n",
        content_type="text/plain",
        status=429 if wait_s else 401,
    )
    answer["WWW-Authenticate"] = "Bearer"
    if wait_s:
        answer["Retry-After"] = str(math.ceil(wait_s))
    return answer

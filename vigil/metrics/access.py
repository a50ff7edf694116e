"""Access to metrics: programs of this machine read those of all teams, others need an API token that may read."""

from __future__ import annotations

import math

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from vigil.accounts.models import Scope, Team
from vigil.accounts.tokens import find_token
from vigil.guess_limits import SECRETS

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
#: Headers by which a proxy says that it passes on what another asked.
_FORWARDED = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO")


def reader_of(request: HttpRequest) -> Team | HttpResponse | None:
    """The team whose token asks, None for a program of this machine, or the answer that refuses."""
    if _is_from_this_machine(request):
        return None
    scheme, _, plain = request.headers.get("Authorization", "").partition(" ")
    token = find_token(plain.strip(), timezone.now()) if scheme.lower() == "bearer" else None
    if token is not None and Scope.READ in token.scopes:
        return token.team
    return _refused(SECRETS.failed(request.META.get("REMOTE_ADDR", "")) if plain else 0.0)


def _is_from_this_machine(request: HttpRequest) -> bool:
    """Whether a program here asks, and no proxy here for another machine."""
    meta = request.META
    host = request.get_host().rsplit(":", 1)[0] if not request.get_host().endswith("]") else request.get_host()
    # nginx passes on in HTTP/1.0 and under the name of what is behind it, unless told otherwise; scrapers speak 1.1.
    is_old = meta.get("SERVER_PROTOCOL") == "HTTP/1.0"
    is_forwarded = is_old or meta.get("vigil.is_forwarded") or any(name in meta for name in _FORWARDED)
    return meta.get("REMOTE_ADDR", "") in _LOOPBACK and host in _OWN_HOSTS and not is_forwarded


def _refused(wait_s: float) -> HttpResponse:
    answer = HttpResponse(
        "Send an API token with the scope `read`: `Authorization: Bearer vgl_...`.\n",
        content_type="text/plain",
        status=429 if wait_s else 401,
    )
    answer["WWW-Authenticate"] = "Bearer"
    if wait_s:
        answer["Retry-After"] = str(math.ceil(wait_s))
    return answer

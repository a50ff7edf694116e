"""Middleware that ends sessions: after twelve hours without a request, and two weeks after the login."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse

from vigil.status.core.answer import is_of_status_pages

IDLE_S = 12 * 3600
#: How stale the time of the last request may be: a write per request would cost more than the request.
GRAIN_S = 300
_SEEN, _SINCE = "seen_s", "since_s"


#: What a page asks for by itself: an open page keeps no session alive.
_BY_ITSELF = "/live"


class IdleSessions:
    """After Django's session and authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Of status pages none is read, so that they need no database, but where their readers sign in.
        if not is_of_status_pages(request.path_info):
            end_old_session(request)
        return self._get_response(request)


def end_old_session(request: HttpRequest) -> None:
    """End the session of a request where it is over, else note that it is used; nothing for one without."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or SESSION_KEY not in request.session:
        return
    now_s = time.time()
    seen_s, since_s = request.session.get(_SEEN, now_s), request.session.get(_SINCE, now_s)
    if now_s - seen_s > IDLE_S or now_s - since_s > settings.SESSION_COOKIE_AGE:
        logout(request)
    elif _is_act(request) and (_SEEN not in request.session or now_s - seen_s > GRAIN_S):
        request.session[_SEEN], request.session[_SINCE] = now_s, since_s


def _is_act(request: HttpRequest) -> bool:
    return request.path_info != _BY_ITSELF

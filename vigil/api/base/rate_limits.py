"""Rate limits of callers: fixed windows by token or person, told on every answer by the RateLimit headers.

They are in the memory of each web process, as those on guessing are: no server that is away opens or closes them.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from vigil.accounts.models import ApiToken

#: Requests of one caller in each window (s); callers to remember, of which the oldest is forgotten first.
LIMIT, WINDOW_S, REMEMBERED = 3_000, 60, 50_000
_META_KEY = "vigil.rate_limit"


@dataclass(frozen=True, slots=True)
class RateAllowance:
    """What is left to a caller in the present window, which ends in `reset_s`; the request counts unless `over`."""

    remaining: int
    reset_s: int
    over: bool = False


class RateWindows:
    """Requests of each caller in the present window."""

    def __init__(self, limit: int = LIMIT, window_s: int = WINDOW_S, remembered: int = REMEMBERED) -> None:
        self._limit, self._window_s, self._remembered = limit, window_s, remembered
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, caller: str, now_s: float) -> RateAllowance:
        """Count a request."""
        window, reset_s = int(now_s // self._window_s), math.ceil(self._window_s - now_s % self._window_s)
        with self._lock:
            counted_in, used = self._counts.pop(caller, (window, 0))
            used = used if counted_in == window else 0
            over = used >= self._limit
            used += 0 if over else 1
            self._counts[caller] = window, used
            if len(self._counts) > self._remembered:
                self._counts.popitem(last=False)
        return RateAllowance(self._limit - used, reset_s, over)

    def forget(self) -> None:
        """Start anew."""
        with self._lock:
            self._counts.clear()


CALLERS = RateWindows()


def count_request(request: HttpRequest, caller: str) -> None:
    """Count a request of a caller; raises `Throttled` over the limit."""
    allowance = CALLERS.count(caller, time.monotonic())
    request.META[_META_KEY] = allowance
    if allowance.over:
        raise Throttled(allowance.reset_s, f"More than {LIMIT:,} requests in {WINDOW_S} s.")


class OfPerson(BaseThrottle):
    """Counts people who are signed in; a token is counted where it is read, so that its refusals are too."""

    def allow_request(self, request: Request, view: object) -> bool:
        if not isinstance(request.auth, ApiToken) and request.user.is_authenticated:
            count_request(request._request, f"person {request.user.pk}")
        return True


class RateLimitHeaders:
    """Middleware that tells a caller its limit, what is left, and when that is filled up again (s)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self._get_response(request)
        allowance: RateAllowance | None = request.META.get(_META_KEY)
        if allowance is not None:
            answer["RateLimit-Limit"] = str(LIMIT)
            answer["RateLimit-Remaining"] = str(allowance.remaining)
            answer["RateLimit-Reset"] = str(allowance.reset_s)
            answer["RateLimit-Policy"] = f'"caller";q={LIMIT};w={WINDOW_S}'
        return answer

"""Limits on guessing for views: passwords before they are checked, secret addresses after a miss."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from vigil.guess_limits import PASSWORDS, SECRETS
from vigil.web.pages import errors

View = Callable[..., Any]
_MISSES = (401, 403, 404)


def limited_passwords(view: View) -> View:
    """A login form: too many wrong passwords for an account, or from an address, and none is checked for a while."""

    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **options: Any) -> Any:
        if request.method != "POST":
            return view(request, *args, **options)
        address, account = request.META.get("REMOTE_ADDR", ""), request.POST.get("username", "").strip().casefold()
        wait_s = PASSWORDS.wait_s(address, account)
        if wait_s:
            return too_many(request, wait_s)
        answer = view(request, *args, **options)
        if answer.status_code == 200:
            # The form again: the password was wrong.
            PASSWORDS.failed(address, account)
        return answer

    return limited


def limited_misses(view: View) -> View:
    """A view at a secret address: many wrong ones from one client are told to wait. A right one is always served."""

    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **options: Any) -> Any:
        missing: Http404 | None = None
        answer: Any = None
        try:
            answer = view(request, *args, **options)
        except Http404 as problem:
            missing = problem
        if missing is not None or answer.status_code in _MISSES:
            wait_s = SECRETS.failed(request.META.get("REMOTE_ADDR", ""))
            if wait_s:
                return too_many(request, wait_s)
        if missing is not None:
            raise missing
        return answer

    return limited


def too_many(request: HttpRequest, wait_s: float) -> HttpResponse:
    """429 with the seconds to wait: a page for people, a line for programs."""
    if "text/html" in request.headers.get("Accept", ""):
        return errors.too_many(request, wait_s)
    wait = math.ceil(wait_s)
    text = f"There were too many wrong attempts. Try again in {wait} s.\n"
    answer = HttpResponse(text, content_type="text/plain; charset=utf-8", status=429)
    answer["Retry-After"] = str(wait)
    return answer

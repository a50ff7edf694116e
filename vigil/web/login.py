"""Sign-in page of one-time links."""

from __future__ import annotations

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from vigil.accounts.login import consume_login_link


@never_cache
@require_http_methods(["GET"])
def login_once(request: HttpRequest, token: str) -> HttpResponse:
    """Use the link and go to the admin; used, expired and unknown links get the same response."""
    user = consume_login_link(token[:100])
    if user is None:
        return HttpResponse(
            "This link was used or has expired. Get a new one: `vigil login`, or `python3 manage.py login`.\n",
            content_type="text/plain; charset=utf-8",
            status=403,
        )
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("admin:index")

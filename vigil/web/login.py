"""Sign-in with a one-time link: the page of the link, and the button that uses it up.

Looking at the page changes nothing, since mail scanners and chat previews open every link.
"""

from __future__ import annotations

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from vigil.accounts.login import consume_login_link, is_usable
from vigil.accounts.models import WRITERS, User
from vigil.accounts.teams import membership_of
from vigil.web.pages.shell import theme_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_once(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button; its POST signs in, once. A used, an old and an unknown link get the same answer."""
    if request.method == "POST":
        user = consume_login_link(token[:100])
        if user is not None:
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            return redirect(_first_page(user))
        return _page(request, False)
    return _page(request, is_usable(token[:100]))


def _first_page(user: User) -> str:
    """The guided start for who may write and watches nothing yet; else the overview."""
    membership = membership_of(user)
    is_new = membership is not None and not membership.team.monitors.filter(deleted_at=None).exists()
    return "start" if is_new and membership is not None and membership.role in WRITERS else "home"


def _page(request: HttpRequest, usable: bool) -> HttpResponse:
    # The address is a key. It goes to no other site by the general policy; with `no-referrer` browsers would send no
    # origin, and the form would look forged.
    shown = {"usable": usable, "shell": {"theme": theme_of(request)}}
    answer = render(request, "web/login_once.html", shown, status=200 if usable else 403)
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer

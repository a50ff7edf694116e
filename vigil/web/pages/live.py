"""Unchanged polls: answered with a 304 before sessions and the database, by the key and the version on the page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

from vigil.accounts.models import Team
from vigil.monitors.live import version as live_version

#: The overview polls here, and other pages below it.
PATH = "/live"
_SALT = "vigil.web.live"
#: A page that is older signs in anew by its next poll.
KEY_LIFE = timedelta(days=14)


def poll_key(team: Team) -> str:
    """A signed name of a team for the polls of its pages. It opens nothing: it only tells whether something changed."""
    return signing.TimestampSigner(salt=_SALT).sign(str(team.pk))


class UnchangedPolls:
    """Before the session middleware. A poll with an old version, or a key that is not ours, goes on to the page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_poll = request.path_info == PATH or request.path_info.startswith(f"{PATH}/")
        if is_poll and request.method == "GET" and _is_unchanged(request):
            return HttpResponseNotModified(headers={"Cache-Control": "private, no-store"})
        return self._get_response(request)


def _is_unchanged(request: HttpRequest) -> bool:
    version = request.GET.get("v", "")
    if not version:
        return False
    try:
        team = int(signing.TimestampSigner(salt=_SALT).unsign(request.GET.get("k", ""), max_age=KEY_LIFE))
    except (signing.BadSignature, ValueError):
        return False
    return live_version.version(team, datetime.now(UTC)) == version

"""Calendar page of a rotation, at its secret address."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from vigil.alerts.oncall.calendar import calendar, find_feed
from vigil.clock import database_now


@never_cache
@require_safe
def feed(request: HttpRequest, rotation: str, key: str) -> HttpResponse:
    """The calendar; a 404 for a wrong address."""
    found = find_feed(rotation, key)
    if found is None:
        return HttpResponse("This calendar does not exist.\n", content_type="text/plain; charset=utf-8", status=404)
    answer = HttpResponse(calendar(found, database_now()), content_type="text/calendar; charset=utf-8")
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer

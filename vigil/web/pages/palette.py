"""Command palette: monitors, incidents, regions and actions that match a few letters."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from vigil.web.pages.shell import Reader, page


@require_safe
@page
def find(request: HttpRequest, reader: Reader) -> HttpResponse:
    """What matches `q`."""
    return JsonResponse({"groups": []})

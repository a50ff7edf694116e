"""Style page: every component in every state, for people who build pages, and for tests."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts import specimens


@require_safe
@page
def style(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """For staff. `?dir=rtl` mirrors it, `?lost=1` shows it as at lost contact."""
    _require_staff(reader)
    shown = {
        "groups": specimens.groups(),
        "tokens": specimens.TOKENS,
        "mirrored": request.GET.get("dir") == "rtl",
        "lost": request.GET.get("lost") == "1",
    }
    return render_page(request, reader, "style", "style.html", shown)


@require_safe
@page
def latency(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Series of the chart's specimen."""
    _require_staff(reader)
    return JsonResponse(specimens.latency())


def _require_staff(reader: PageReader) -> None:
    if not (reader.is_staff or settings.DEBUG):
        raise Http404

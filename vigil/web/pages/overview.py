"""Overview: what needs attention, then everything else."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from vigil.web.pages.shell import Reader, page, render_page


@require_safe
@page
def overview(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The first page."""
    return render_page(request, reader, "overview", "overview.html", {})

"""More: places that have no room in a phone's bottom bar, the theme, the admin, and signing out."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from vigil.web.pages.shell import PageReader, page, render_page


@require_safe
@page
def more(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """A page and not a drawer: it works without a script."""
    return render_page(request, reader, "more", "more.html", {})

"""Status page on other sites: the lines of its embeds, badges and documents, to copy."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from vigil.status.addresses import address_of
from vigil.status.core.access import PageVisibility
from vigil.status.core.elsewhere.badges import component_badge
from vigil.status.core.elsewhere.embeds import lines_to_copy
from vigil.status.models import StatusPage
from vigil.web.pages.settings.sections import render_section
from vigil.web.pages.shell import PageReader, page


@require_safe
@page
def elsewhere(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The lines; none for a page that not everyone may read, since other sites could not show it."""
    row = get_object_or_404(StatusPage, team=reader.team, public_id=public_id[:40])
    address = address_of(row)
    parts = [(one.name, f"{address}/{component_badge(one.public_id)}.svg") for one in row.components.all()]
    shown = {
        "row": row,
        "lines": lines_to_copy(row.title, address),
        "parts": parts,
        "is_public": row.visibility == PageVisibility.PUBLIC,
    }
    return render_section(request, reader, "status-pages", "status_page_elsewhere.html", shown)

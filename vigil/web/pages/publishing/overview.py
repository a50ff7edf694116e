"""What status pages of a team say: open, planned and drafted, with the rules and templates that are prepared."""

from __future__ import annotations

from django.db.models import F, Prefetch
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from vigil.status.incident_models import PublicationRule, UpdateTemplate
from vigil.status.models import PublicIncident, PublicUpdate
from vigil.web.pages.settings.sections import render_section
from vigil.web.pages.shell import PageReader, page

#: Public incidents that are listed: open ones and drafts first, then the newest.
LISTED = 100


@require_safe
@page
def publishing(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """The list; each opens what was said, and what is not public yet."""
    waiting = Prefetch("updates", PublicUpdate.objects.filter(published_at=None), to_attr="waiting")
    rows = (
        PublicIncident.objects.filter(team=reader.team)
        .select_related("page", "maintenance")
        .prefetch_related(waiting)
        .order_by(F("resolved_at").desc(nulls_first=True), "-started_at", "-id")
    )
    shown = {
        "rows": rows[:LISTED],
        "rules": PublicationRule.objects.filter(team=reader.team).select_related("component__page"),
        "templates": UpdateTemplate.objects.filter(team=reader.team).select_related("page"),
    }
    return render_section(request, reader, "status-pages", "publishing.html", shown)

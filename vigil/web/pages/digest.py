"""Digest: the incidents of one message that tells of many."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from vigil.alerts.models import Delivery
from vigil.web.pages.incidents import mark_of
from vigil.web.pages.shell import PageReader, page, render_page

#: More incidents of one message are counted and not listed.
MOST = 500


@require_safe
@page
def digest(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """All incidents of a digest, open ones first; a 404 for another team's."""
    told = get_object_or_404(Delivery.objects.filter(team=reader.team), public_id=public_id)
    sent = Delivery.objects.filter(Q(pk=told.pk) | Q(leader=told)).select_related("incident__monitor").order_by("pk")
    found = [one.incident for one in sent[:MOST] if one.incident is not None]
    incidents = sorted(found, key=lambda one: one.resolved_at is not None)
    shown = {
        "delivery": told,
        "incidents": [(one, mark_of(one)) for one in incidents],
        "open": sum(one.resolved_at is None for one in incidents),
    }
    return render_page(request, reader, "incidents", "digest.html", shown)

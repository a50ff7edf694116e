"""Links in alerts: to an incident, and to the incidents of a digest."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from vigil.accounts.teams import membership_of
from vigil.alerts.models import Delivery
from vigil.incidents.models import Incident


@require_safe
@login_required
def incident(request: HttpRequest, public_id: str) -> HttpResponse:
    """Redirect to the incident's page; a 404 for another team's."""
    found = get_object_or_404(_visible(request, Incident.objects.all()), public_id=public_id)
    return redirect("admin:incidents_incident_change", found.pk)


@require_safe
@login_required
def digest(request: HttpRequest, public_id: str) -> HttpResponse:
    """All incidents of a digest, open ones first; a 404 for another team's."""
    told = get_object_or_404(_visible(request, Delivery.objects.all()), public_id=public_id)
    found = Delivery.objects.filter(Q(pk=told.pk) | Q(leader=told)).select_related("incident__monitor")
    incidents = [one.incident for one in found.order_by("incident__resolved_at", "pk")]
    incidents.sort(key=lambda incident: incident.resolved_at is not None)
    still_open = sum(incident.resolved_at is None for incident in incidents)
    page = {"delivery": told, "incidents": incidents, "still_open": still_open}
    return render(request, "web/digest.html", page)


def _visible(request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows that the user may see: their team's, or all."""
    if request.user.is_superuser:
        return rows
    membership = membership_of(request.user)  # type: ignore[arg-type]
    return rows.filter(team=membership.team if membership else None)

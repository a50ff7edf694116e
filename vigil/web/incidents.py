"""The address of an incident, as alerts carry it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from vigil.accounts.teams import membership_of
from vigil.incidents.models import Incident


@require_safe
@login_required
def incident(request: HttpRequest, public_id: str) -> HttpResponse:
    """Lead to the incident's page; another team's incident is not there."""
    visible = Incident.objects.all()
    if not request.user.is_superuser:
        membership = membership_of(request.user)  # type: ignore[arg-type]
        visible = visible.filter(team=membership.team if membership else None)
    found = get_object_or_404(visible, public_id=public_id)
    return redirect("admin:incidents_incident_change", found.pk)

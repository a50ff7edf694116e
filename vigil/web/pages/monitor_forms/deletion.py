"""Deletion of a monitor: what it would take along, in numbers, before it is done."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from vigil.code.ownership import owner_of_row
from vigil.heartbeats.changes import delete_heartbeat
from vigil.heartbeats.models import Heartbeat
from vigil.incidents.models import Incident
from vigil.monitors.changes import delete_monitor
from vigil.monitors.models import DerivedKind, Monitor
from vigil.web.pages.monitor_forms.edit import monitor_of
from vigil.web.pages.shell import PageReader, page, render_page


@require_http_methods(["GET", "HEAD", "POST"])
@page
def delete(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Ask with the consequences; the form does it."""
    reader.require_writer()
    monitor = monitor_of(reader, public_id)
    if request.method == "POST":
        if monitor.kind == DerivedKind.HEARTBEAT:
            delete_heartbeat(Heartbeat.objects.get(monitor=monitor))
        else:
            delete_monitor(monitor)
        return redirect("home")
    shown = {
        "heading": f"Delete {monitor.name}?",
        "back": reverse("monitor", args=[monitor.public_id]),
        "monitor": monitor,
        "consequences": consequences(monitor),
        "owner": owner_of_row(monitor),
    }
    return render_page(request, reader, "overview", "monitor_forms/delete.html", shown)


def consequences(monitor: Monitor) -> list[str]:
    """What a deletion means, a sentence each, with numbers."""
    composites = monitor.composite_memberships.filter(composite__monitor__deleted_at=None)
    counted = (
        (composites.values("composite").distinct().count(), "composite names", "composites name"),
        (monitor.dependents.filter(child__deleted_at=None).count(), "monitor needs", "monitors need"),
        (monitor.routes.count(), "route is only for", "routes are only for"),
    )
    found = [f"{number} {one if number == 1 else many} it." for number, one, many in counted if number]
    open_now = Incident.objects.filter(monitor=monitor, resolved_at=None).count()
    kept = Incident.objects.filter(monitor=monitor).count()
    if open_now:
        found.append(f"{open_now} open incident{'' if open_now == 1 else 's'} will be over.")
    found.append(f"{kept} incident{'' if kept == 1 else 's'} of it stay{'s' if kept == 1 else ''} to be read.")
    return [*found, "Its secrets are forgotten at once, and nothing brings it back."]

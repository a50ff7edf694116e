"""Command palette: monitors, incidents, regions, places and actions that match a few letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from vigil.incidents.models import Incident
from vigil.monitors.models import Monitor, Region
from vigil.web.models import BulkKind
from vigil.web.pages.shell import PLACES, PageReader, page

#: Of each group.
MOST = 8
_QUERY_MOST = 100

Item = dict[str, Any]


@require_safe
@page
def find(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Groups of what matches `q`; without words the open incidents and the places."""
    words = request.GET.get("q", "").strip()[:_QUERY_MOST]
    monitors = _monitors(reader, words) if words else []
    groups = [
        ("Monitors", [_monitor_item(one) for one in monitors]),
        ("Incidents", _incidents(reader, words)),
        ("Regions", _regions(reader, words) if words else []),
        ("Places", _places(reader, words)),
        ("Actions", _actions(monitors) if reader.may_write else []),
    ]
    return JsonResponse({"groups": [{"name": name, "items": items[:MOST]} for name, items in groups]})


def _monitors(reader: PageReader, words: str) -> list[Monitor]:
    found = Monitor.objects.filter(team=reader.team, deleted_at=None)
    return list(found.filter(Q(name__icontains=words) | Q(public_id=words)).order_by("name")[:MOST])


def _monitor_item(monitor: Monitor) -> Item:
    address = reverse("monitor", args=[monitor.public_id])
    return {"name": monitor.name, "note": monitor.target, "icon": "overview", "address": address}


def _incidents(reader: PageReader, words: str) -> list[Item]:
    rows = Incident.objects.filter(team=reader.team)
    rows = rows.filter(Q(title__icontains=words) | Q(public_id=words)) if words else rows.filter(resolved_at=None)
    return [
        {
            "name": one.title,
            "note": "over" if one.resolved_at else "open",
            "icon": "incidents",
            "address": reverse("incident", args=[one.public_id]),
        }
        for one in rows.order_by("-opened_at")[:MOST]
    ]


def _regions(reader: PageReader, words: str) -> list[Item]:
    rows = Region.objects.filter(Q(slug__icontains=words) | Q(name__icontains=words), enabled=True)[:MOST]
    address = f"{reverse('home')}?region="
    return [{"name": one.slug, "note": one.name, "icon": "regions", "address": address + one.slug} for one in rows]


def _places(reader: PageReader, words: str) -> list[Item]:
    return [
        {"name": one.name, "icon": one.icon, "address": reverse(one.route)}
        for one in PLACES
        if (reader.is_staff or not one.staff) and words.casefold() in one.name.casefold()
    ]


def _actions(monitors: Sequence[Monitor]) -> list[Item]:
    """Actions name their object: "Pause Chat API"."""
    items = []
    for one in monitors[: MOST // 2]:
        kind, verb = (BulkKind.RESUME, "Resume") if one.paused else (BulkKind.PAUSE, "Pause")
        post = {"do": kind.value, "id": one.public_id}
        items.append({"name": f"{verb} {one.name}", "icon": "paused", "address": reverse("act"), "post": post})
        silence = {"do": BulkKind.SILENCE.value, "minutes": "60", "id": one.public_id}
        name = f"Silence {one.name} for 1 h"
        items.append({"name": name, "icon": "oncall", "address": reverse("act"), "post": silence})
    return items

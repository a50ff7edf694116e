"""Publication of an incident: which pages and components it touches, and what is said there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.incidents.models import Incident
from vigil.monitors.models import Monitor
from vigil.status.models import PageComponent, PublicIncident, StatusPage
from vigil.status.public_incidents.changes import save_public_incident
from vigil.status.public_incidents.updates import add_update


@dataclass(frozen=True, slots=True)
class TouchedPage:
    """A page of the team: its components, those that the incident touches, and what it tells of it already."""

    page: StatusPage
    components: Sequence[PageComponent]
    touched: Sequence[PageComponent]
    told: PublicIncident | None


def touched_pages(incident: Incident) -> list[TouchedPage]:
    """Every page of the team, in a number of queries that does not depend on them."""
    pages = StatusPage.objects.filter(team=incident.team).prefetch_related("components")
    monitors = _monitors(incident)
    known: dict[int, PublicIncident] = {}
    # The newest stays, where more than one tells of it.
    for row in (
        PublicIncident.objects.filter(incident=incident).prefetch_related("updates", "components").order_by("pk")
    ):
        known[row.page_id] = row
    found = []
    for page in pages:
        parts = list(page.components.all())
        touched = [one for one in parts if any(_shows(one, monitor) for monitor in monitors)]
        found.append(TouchedPage(page, parts, touched, known.get(page.pk)))
    return found


def publish(incident: Incident, on: Mapping[StatusPage, Sequence[PageComponent]], said: Mapping[str, Any]) -> None:
    """Say it on these pages, all or none; where the incident is told already, it is an update.

    `said` has the fields of a public incident and of its update. Raises `ValidationError` by field.
    """
    if not on:
        raise ValidationError({"on": ["Tick what is affected: nothing is published without it."]})
    with transaction.atomic():
        # Locked in one order: two presses of a button are one publication.
        pages = StatusPage.objects.filter(pk__in=[one.pk for one in on]).order_by("pk")
        for page in pages.select_for_update(no_key=True):
            told = PublicIncident.objects.filter(incident=incident, page=page).order_by("-pk").first()
            wanted = {**said, "components": list(on[page])}
            if told is None:
                new = {"page": page, "incident": incident, "started_at": incident.started_at}
                save_public_incident(PublicIncident(team_id=page.team_id), {**wanted, **new})
            else:
                save_public_incident(told, {name: wanted[name] for name in ("title", "impact", "components")})
                add_update(told, wanted)


def _monitors(incident: Incident) -> list[Monitor]:
    """What fails by this incident, or by those that are part of it."""
    of_parts = Monitor.objects.filter(incidents__part_of=incident, deleted_at=None).distinct()
    return [*([incident.monitor] if incident.monitor else []), *of_parts]


def _shows(one: PageComponent, monitor: Monitor) -> bool:
    return one.monitor_id == monitor.pk if one.monitor_id else one.tag in monitor.tags

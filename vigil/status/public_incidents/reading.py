"""Public incidents of a page as its projection may know them, and the time in which its components were maintained."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import F, Prefetch, Q

from vigil.history.core.uptime import Span
from vigil.status.core.facts import PublicIncidentFacts, UpdateFacts
from vigil.status.core.html import PAST
from vigil.status.core.states import PublicImpact, UpdateState
from vigil.status.incident_models import ScheduledMaintenance
from vigil.status.models import PageComponent, PublicIncident, PublicUpdate, StatusPage

#: Public incidents that a page shows, and others with a page of their own: those with a postmortem, then the newest.
INCIDENTS_MOST, EARLIER_MOST = 50, 100
#: Public incidents of a year.
YEAR_MOST = 1_000
#: How long an incident that is over has a page of its own.
OWN_PAGE = timedelta(days=365)
#: Updates of an incident that are shown: the newest.
UPDATES_MOST = 20
#: Times of maintenance that are taken out of the uptime of a page.
MAINTENANCES_MOST = 500


def public_incidents(page: StatusPage, now: datetime) -> tuple[list[PublicIncidentFacts], list[PublicIncidentFacts]]:
    """What the page shows, the newest first, and what else has a page of its own. No draft is in either."""
    published = PublicIncident.objects.filter(page=page, published_at__isnull=False)
    kept = published.filter(Q(resolved_at=None) | Q(resolved_at__gt=now - OWN_PAGE))
    updates = Prefetch("updates", queryset=PublicUpdate.objects.newest_first()[:UPDATES_MOST], to_attr="newest")
    ids = Prefetch("components", queryset=PageComponent.objects.only("public_id"))
    # Open ones first: none of them gives way to what is over.
    newest = kept.order_by(F("resolved_at").desc(nulls_first=True), "-started_at", "-id")
    keys = list(newest.values_list("pk", "postmortem_at")[:YEAR_MOST])
    others = sorted(keys[INCIDENTS_MOST:], key=lambda one: one[1] is None)
    chosen = newest.filter(pk__in=[key for key, _ in (*keys[:INCIDENTS_MOST], *others[:EARLIER_MOST])])
    rows = list(chosen.select_related("maintenance").prefetch_related(updates, ids))
    shown = [one for one in rows[:INCIDENTS_MOST] if one.resolved_at is None or one.resolved_at > now - PAST]
    earlier = rows[len(shown) :]
    ordered = sorted(shown, key=lambda one: (one.started_at, one.pk), reverse=True)
    return [_incident(row) for row in ordered], [_incident(row) for row in earlier]


def incidents_since(page: StatusPage, start: datetime, now: datetime) -> list[PublicIncidentFacts]:
    """What was published and open after `start`, or began then; the newest first, each with its newest update alone."""
    found = PublicIncident.objects.filter(
        Q(resolved_at=None) | Q(resolved_at__gt=start), page=page, published_at__isnull=False, started_at__lte=now
    )
    updates = Prefetch("updates", queryset=PublicUpdate.objects.newest_first()[:1], to_attr="newest")
    ids = Prefetch("components", queryset=PageComponent.objects.only("public_id"))
    rows = found.order_by("-started_at", "-id").select_related("maintenance").prefetch_related(updates, ids)
    return [_incident(row) for row in rows[:YEAR_MOST]]


def maintained_spans(page: StatusPage, start: datetime, now: datetime) -> Mapping[int, list[Span]]:
    """Spans of planned maintenance since `start`, by the key of the component that it named; of what lasts to now."""
    found = ScheduledMaintenance.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=start), incident__page=page, began_at__isnull=False
    ).order_by("-began_at")
    spans: dict[int, list[Span]] = {}
    rows = found.values_list("began_at", "ended_at", "incident__components")
    for began_at, ended_at, key in rows[:MAINTENANCES_MOST]:
        if key is not None and began_at is not None:
            spans.setdefault(key, []).append((int(began_at.timestamp()), int((ended_at or now).timestamp())))
    return spans


def _incident(row: PublicIncident) -> PublicIncidentFacts:
    newest: list[PublicUpdate] = row.newest  # type: ignore[attr-defined]
    maintenance: ScheduledMaintenance | None = getattr(row, "maintenance", None)
    is_told = row.postmortem_at is not None
    return PublicIncidentFacts(
        id=row.public_id,
        title=row.title,
        impact=PublicImpact(row.impact),
        started_at=row.started_at,
        updates=[
            UpdateFacts(one.public_id, UpdateState(one.state), one.text, one.published_at, one.edited_at)
            for one in reversed(newest)
            if one.published_at is not None
        ],
        components=frozenset(one.public_id for one in row.components.all()),
        planned=(maintenance.starts_at, maintenance.ends_at) if maintenance is not None else None,
        postmortem=row.postmortem if is_told else "",
        postmortem_at=row.postmortem_at,
        published_at=row.published_at,
        edited_at=row.edited_at,
    )

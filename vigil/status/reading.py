"""Facts of status pages, read from the database: nine queries a page, whatever it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q

from vigil.history.core.uptime import Settled
from vigil.history.reading.spans import settled_spans
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.core.strips import DAY_S, DAYS, last_slots
from vigil.read_models.overview import team_monitors
from vigil.read_models.states import state_shown
from vigil.read_models.team_silences import TeamSilences
from vigil.status.core.facts import ComponentFacts, PageFacts, PublicIncidentFacts, UpdateFacts
from vigil.status.core.html import PAST
from vigil.status.core.states import PublicImpact, UpdateState
from vigil.status.models import PageComponent, PublicIncident, PublicUpdate, StatusPage

#: Monitors behind a page, and public incidents that it shows; a page with more shows the first and the newest.
MONITORS_MOST, INCIDENTS_MOST = 2_000, 50


@dataclass(slots=True)
class _Seen:
    """What is known of the monitors behind a page: by key, and their keys by tag."""

    shown: dict[int, ShownState] = field(default_factory=dict)
    spans: Mapping[int, Settled] = field(default_factory=dict)
    tagged: dict[str, list[int]] = field(default_factory=dict)


def read_facts(page: StatusPage, now: datetime) -> PageFacts:
    """All that the projection of a page may know."""
    components = list(page.components.all())
    seen = _seen(page, components, now)
    return PageFacts(
        id=page.public_id,
        slug=page.slug,
        title=page.title,
        header=page.header,
        footer=page.footer,
        access=page.access,
        created_at=page.created_at,
        now=now,
        changed_at=now,
        components=_in_groups([_component(one, seen) for one in components]),
        incidents=_incidents(page, now),
    )


def _seen(page: StatusPage, components: Sequence[PageComponent], now: datetime) -> _Seen:
    named = Q(pk__in=[one.monitor_id for one in components if one.monitor_id])
    tags = {one.tag for one in components if one.tag}
    for tag in tags:
        named |= Q(tags__contains=[tag])
    slots = last_slots(int(now.timestamp()), DAY_S, DAYS)
    window = (slots[0][0], min(slots[-1][1], int(now.timestamp())))
    start = datetime.fromtimestamp(window[0], now.tzinfo)
    silences = TeamSilences.read(page.team, start, now)
    monitors: list[Any] = list(team_monitors(page.team, silences).filter(named).order_by("pk")[:MONITORS_MOST])
    spans = settled_spans(monitors, window, silences.maintained(monitors, start, now))
    seen = _Seen({one.pk: state_shown(one.shown) for one in monitors}, spans)
    for one in monitors:
        for tag in tags.intersection(one.tags):
            seen.tagged.setdefault(tag, []).append(one.pk)
    return seen


def _component(row: PageComponent, seen: _Seen) -> ComponentFacts:
    keys = [row.monitor_id] if row.monitor_id else seen.tagged.get(row.tag, [])
    keys = [key for key in keys if key in seen.shown]
    return ComponentFacts(
        id=row.public_id,
        name=row.name,
        group=row.group,
        description=row.description,
        position=row.position,
        created_at=row.created_at,
        shown=[seen.shown[key] for key in keys if key is not None],
        spans=[seen.spans[key] for key in keys if key is not None],
    )


def _in_groups(components: Sequence[ComponentFacts]) -> list[ComponentFacts]:
    """Members of a group side by side, groups in the order of their first."""
    first: dict[str, int] = {}
    for one in components:
        first.setdefault(one.group, one.position)
    return sorted(components, key=lambda one: (first[one.group], one.position))


def _incidents(page: StatusPage, now: datetime) -> list[PublicIncidentFacts]:
    recent = PublicIncident.objects.filter(Q(resolved_at=None) | Q(resolved_at__gt=now - PAST), page=page)
    updates = Prefetch("updates", queryset=PublicUpdate.objects.order_by("at", "id"))
    ids = Prefetch("components", queryset=PageComponent.objects.only("public_id"))
    rows = recent.order_by("-started_at", "-id").prefetch_related(updates, ids)[:INCIDENTS_MOST]
    return [_incident(row) for row in rows]


def _incident(row: PublicIncident) -> PublicIncidentFacts:
    return PublicIncidentFacts(
        id=row.public_id,
        title=row.title,
        impact=PublicImpact(row.impact),
        started_at=row.started_at,
        updates=[UpdateFacts(one.public_id, UpdateState(one.state), one.text, one.at) for one in row.updates.all()],
        components=frozenset(one.public_id for one in row.components.all()),
    )

"""Statuspage version 2 (`/api/v2/summary.json`), also served by incident.io."""

from __future__ import annotations

from typing import Any

import msgspec

from vigil.feeds.core.page import Component, ComponentState, Page, PostState, clean, instant_of, make_page, make_post

_COMPONENT = {
    "degraded_performance": ComponentState.DEGRADED,
    "partial_outage": ComponentState.DOWN,
    "major_outage": ComponentState.DOWN,
    "full_outage": ComponentState.DOWN,
    "under_maintenance": ComponentState.MAINTENANCE,
}
_OVER = ("resolved", "postmortem", "completed")


class _Component(msgspec.Struct):
    name: str
    status: str = ""
    group: bool | None = False


class _Named(msgspec.Struct):
    name: str = ""


class _StatuspageIncident(msgspec.Struct):
    id: str
    name: str = ""
    status: str = ""
    created_at: str | None = None
    started_at: str | None = None
    resolved_at: str | None = None
    components: list[_Named] | None = None


class _StatuspageSummary(msgspec.Struct):
    components: list[_Component] = []
    incidents: list[_StatuspageIncident] = []
    scheduled_maintenances: list[_StatuspageIncident] = []


def recognise(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    return isinstance(document.get("components"), list) or isinstance(document.get("incidents"), list)


def read(document: Any) -> Page:
    summary = msgspec.convert(document, _StatuspageSummary)
    posts = [_post(incident, PostState.OPEN) for incident in summary.incidents]
    posts += [_post(planned, PostState.PLANNED) for planned in summary.scheduled_maintenances]
    components = [
        Component(clean(each.name), _COMPONENT.get(each.status, ComponentState.WELL))
        for each in summary.components
        # A group repeats its members.
        if not each.group
    ]
    return make_page(posts, components)


def _post(incident: _StatuspageIncident, open_as: PostState) -> Any:
    ended = incident.status.lower() in _OVER or incident.resolved_at
    state = PostState.OVER if ended else open_as
    # Pages backdate incidents: the creation time is nearer to the announcement.
    created = instant_of(incident.created_at or incident.started_at)
    return make_post(incident.id, incident.name, state, created, [each.name for each in incident.components or []])

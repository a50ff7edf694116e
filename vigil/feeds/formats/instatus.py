"""Instatus (`/summary.json`): state of the page, and current incidents."""

from __future__ import annotations

from typing import Any

import msgspec

from vigil.feeds.core.page import Page, PostState, instant_of, make_page, make_post


class _InstatusIncident(msgspec.Struct):
    name: str = ""
    id: str = ""
    started: str | None = None
    status: str = ""


class _Status(msgspec.Struct):
    status: str


class _InstatusSummary(msgspec.Struct):
    page: _Status
    activeIncidents: list[_InstatusIncident] = []
    activeMaintenances: list[_InstatusIncident] = []


def recognise(document: Any) -> bool:
    page = document.get("page") if isinstance(document, dict) else None
    return isinstance(page, dict) and page.get("status") in (
        "UP",
        "HASISSUES",
        "UNDERMAINTENANCE",
        "ALLUNDERMAINTENANCE",
    )


def read(document: Any) -> Page:
    summary = msgspec.convert(document, _InstatusSummary)
    posts = [
        _post(one, PostState.OVER if one.status.upper() in ("RESOLVED", "COMPLETED") else PostState.OPEN)
        for one in summary.activeIncidents
    ]
    posts += [_post(one, PostState.PLANNED) for one in summary.activeMaintenances]
    return make_page(posts)


def _post(incident: _InstatusIncident, state: PostState) -> Any:
    # Its summary has no ids: name and start identify an incident.
    id = incident.id or f"{incident.started}:{incident.name}"
    return make_post(id, incident.name, state, instant_of(incident.started))

"""Better Stack (`/index.json`): JSON:API with an aggregate state, resources and reports."""

from __future__ import annotations

from typing import Any

import msgspec

from vigil.feeds.core.page import Component, ComponentState, Page, PostState, clean, instant_of, make_page, make_post

_STATE = {
    "degraded": ComponentState.DEGRADED,
    "downtime": ComponentState.DOWN,
    "maintenance": ComponentState.MAINTENANCE,
}


class _Attributes(msgspec.Struct):
    public_name: str | None = None
    status: str | None = None
    title: str | None = None
    report_type: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    aggregate_state: str | None = None
    affected_resources: list[Any] | None = None


class _Thing(msgspec.Struct):
    id: str = ""
    type: str = ""
    attributes: _Attributes = msgspec.field(default_factory=_Attributes)


class _Index(msgspec.Struct):
    data: _Thing
    included: list[_Thing] = []


def recognise(document: Any) -> bool:
    data = document.get("data") if isinstance(document, dict) else None
    attributes = data.get("attributes") if isinstance(data, dict) else None
    return isinstance(attributes, dict) and "aggregate_state" in attributes


def read(document: Any) -> Page:
    index = msgspec.convert(document, _Index)
    resources = [thing for thing in index.included if thing.type == "status_page_resource"]
    names = {thing.id: thing.attributes.public_name or "" for thing in resources}
    components = [
        Component(clean(names[thing.id]), _STATE.get(thing.attributes.status or "", ComponentState.WELL))
        for thing in resources
    ]
    reports = [thing for thing in index.included if thing.type == "status_report"]
    posts = [_post(report, names) for report in reports]
    return make_page(posts, components)


def _post(report: _Thing, names: dict[str, str]) -> Any:
    about = report.attributes
    state = PostState.OPEN if about.ends_at is None else PostState.OVER
    if about.report_type == "maintenance" and state is PostState.OPEN:
        state = PostState.PLANNED
    hit = [str(one.get("status_page_resource_id")) for one in about.affected_resources or [] if isinstance(one, dict)]
    affects = [names[key] for key in hit if names.get(key)]
    return make_post(report.id, about.title, state, instant_of(about.starts_at), affects)

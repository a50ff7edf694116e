"""AWS (`/public/currentevents`, UTF-16): status 0 resolved, 1 informational, 2 degraded, 3 disrupted."""

from __future__ import annotations

from typing import Any

import msgspec

from vigil.feeds.core.page import Page, PostState, instant_of, make_page, make_post
from vigil.feeds.core.state_words import state_of


class _Event(msgspec.Struct):
    service: str
    status: str | int
    summary: str = ""
    date: str | int = ""
    service_name: str = ""
    region_name: str = ""
    arn: str = ""


def recognise(document: Any) -> bool:
    return isinstance(document, list) and all(
        isinstance(one, dict) and "service" in one and "status" in one for one in document[:3]
    )


def read(document: Any) -> Page:
    return make_page([_post(event) for event in msgspec.convert(document, list[_Event])])


def _post(event: _Event) -> Any:
    ended = str(event.status) == "0" or state_of(event.summary) is PostState.OVER
    state = PostState.OVER if ended else PostState.OPEN
    names = [name for name in (event.service, event.service_name) if name]
    title = " ".join(filter(None, [event.summary, event.region_name and f"({event.region_name})"]))
    return make_post(event.arn or f"{event.service}:{event.date}", title, state, instant_of(event.date), names)

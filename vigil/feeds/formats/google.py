"""Google Cloud (`/incidents.json`): incidents of the last months; open if without an end."""

from __future__ import annotations

from typing import Any

import msgspec

from vigil.feeds.core.page import Page, PostState, instant_of, make_page, make_post


class _Product(msgspec.Struct):
    title: str = ""


class _Update(msgspec.Struct):
    status: str = ""


class _GoogleIncident(msgspec.Struct):
    id: str
    external_desc: str = ""
    begin: str | None = None
    created: str | None = None
    end: str | None = None
    most_recent_update: _Update | None = None
    affected_products: list[_Product] = []


def recognise(document: Any) -> bool:
    return isinstance(document, list) and all(
        isinstance(one, dict) and "begin" in one and "external_desc" in one for one in document[:3]
    )


def read(document: Any) -> Page:
    incidents = msgspec.convert(document, list[_GoogleIncident])
    # Open incidents first, so that the bound cuts old ones.
    incidents.sort(key=lambda one: one.end is not None)
    return make_page([_post(incident) for incident in incidents])


def _post(incident: _GoogleIncident) -> Any:
    available = incident.most_recent_update is not None and incident.most_recent_update.status == "AVAILABLE"
    state = PostState.OVER if incident.end or available else PostState.OPEN
    created = instant_of(incident.created or incident.begin)
    products = [product.title for product in incident.affected_products]
    return make_post(incident.id, incident.external_desc, state, created, products)

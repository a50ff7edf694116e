"""Checkly (list of unresolved incidents; undocumented): accepts anything with id and name."""

from __future__ import annotations

from typing import Any

import msgspec

from vigil.feeds.core.page import Page, PostState, instant_of, make_page, make_post

_LISTS = ("unresolvedIncidents", "data")


class _ChecklyIncident(msgspec.Struct):
    id: str | int
    name: str
    created_at: str | None = None
    createdAt: str | None = None


def recognise(document: Any) -> bool:
    listed = _listed(document)
    return listed is not None and all(isinstance(one, dict) and "id" in one and "name" in one for one in listed[:3])


def read(document: Any) -> Page:
    incidents = msgspec.convert(_listed(document), list[_ChecklyIncident])
    posts = [
        make_post(one.id, one.name, PostState.OPEN, instant_of(one.created_at or one.createdAt)) for one in incidents
    ]
    return make_page(posts)


def _listed(document: Any) -> list[Any] | None:
    if isinstance(document, dict):
        document = next((document[name] for name in _LISTS if name in document), None)
    return document if isinstance(document, list) else None

"""RSS and Atom: items without a state; words and age decide whether one is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from vigil.feeds.core.page import Page, PostState, instant_of, make_page, make_post
from vigil.feeds.formats.items import Item, items_of

_OVER = ("resolved", "operating normally", "completed", "this incident has been fixed", "mitigated")
_PLANNED = ("scheduled maintenance", "planned maintenance", "maintenance:")
_LOOKED_AT = 600
#: Feeds keep items for months, often without an end.
STALE_AFTER = timedelta(hours=24)


def read(text: str, now: datetime) -> Page:
    return make_page([_post(item, now) for item in items_of(text)])


def _post(item: Item, now: datetime) -> Any:
    title, created = item.get("title", ""), _first(item, "pubdate", "published", "date")
    updated = _first(item, "updated") or created
    words = f"{title} {item.get('description', '') or item.get('summary', '') or item.get('content', '')}"
    said = words[:_LOOKED_AT].lower()
    state = PostState.OPEN
    if any(word in said for word in _PLANNED):
        state = PostState.PLANNED
    if any(word in said for word in _OVER) or (updated is not None and now - updated > STALE_AFTER):
        state = PostState.OVER
    return make_post(item.get("guid") or item.get("id") or item.get("link") or title, title, state, created or updated)


def _first(item: Item, *names: str) -> datetime | None:
    return next((at for name in names if (at := instant_of(item.get(name)))), None)

"""RSS and Atom: items without a state. Words and age decide whether one is over; a later item ends an earlier one."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from vigil.feeds.core.page import Page, Post, PostState, instant_of, make_page, make_post
from vigil.feeds.core.state_words import state_of, subject_of
from vigil.feeds.formats.items import Item, items_of

#: Feeds keep items for months, often without an end.
STALE_AFTER = timedelta(hours=24)
#: Number of an update behind the id of its event; longer ones are times.
_UPDATE = re.compile(r"[_#/.-](?:update[-_]?)?\d{1,4}\Z", re.IGNORECASE)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def read(text: str, now: datetime) -> Page:
    return make_page(_joined([(item, _post(item, now)) for item in items_of(text)]))


def _post(item: Item, now: datetime) -> Post:
    title, created, updated = item.get("title", ""), _created(item), _updated(item)
    told = item.get("description") or item.get("summary") or item.get("content") or item.get("encoded") or ""
    state = state_of(title) or state_of(told) or PostState.OPEN
    if updated is not None and now - updated > STALE_AFTER:
        state = PostState.OVER
    return make_post(item.get("guid") or item.get("id") or item.get("link") or title, title, state, created or updated)


def _joined(found: list[tuple[Item, Post]]) -> list[Post]:
    """One post for each event, with the state of its newest item and the time of its first; in the feed's order."""
    # Newest first; a feed without times has that order already.
    ordered = sorted(found, key=lambda one: _updated(one[0]) or _LONG_AGO, reverse=True)
    subjects = {subject for item, _ in found for subject, named in [subject_of(item.get("title", ""))] if named}
    events: dict[str, Post] = {}
    for item, post in ordered:
        key, id = _event_of(item, post, subjects)
        newest = events.get(key)
        if newest is None:
            events[key] = replace(post, id=id)
        else:
            first = min(filter(None, (newest.created, post.created)), default=None)
            events[key] = replace(newest, created=first, id=id)
    places = {
        key: place
        for place, key in reversed([(place, _event_of(*one, subjects)[0]) for place, one in enumerate(found)])
    }
    return [events[key] for key in sorted(events, key=lambda key: places[key])]


def _event_of(item: Item, post: Post, subjects: set[str]) -> tuple[str, str]:
    """Key of an item's event, and the event's id: by the number behind its id, or by a title that names its state."""
    said = (item.get("guid") or item.get("id") or "").strip()
    event = _UPDATE.sub("", said)
    if event != said and event:
        return f"id {event}", make_post(event, "", post.state, None).id
    subject, _ = subject_of(item.get("title", ""))
    return (f"title {subject}", post.id) if subject and subject in subjects else (f"item {post.id}", post.id)


def _created(item: Item) -> datetime | None:
    return _first(item, "pubdate", "published", "date")


def _updated(item: Item) -> datetime | None:
    return _first(item, "updated") or _created(item)


def _first(item: Item, *names: str) -> datetime | None:
    return next((at for name in names if (at := instant_of(item.get(name)))), None)

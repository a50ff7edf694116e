"""Status page values: posts and component states of a provider. Pure.

All text is untrusted: cut, and cleaned of control characters.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

POSTS_MOST = 200
COMPONENTS_MOST = 1_000
TITLE_LIMIT = 200
ID_LIMIT = 120
NAMES_MOST = 20


class FeedUnreadable(Exception):
    """Not a known status page; one line without a quote from it."""


class PostState(StrEnum):
    OPEN = "open"
    OVER = "over"
    PLANNED = "planned"


class ComponentState(StrEnum):
    WELL = "well"
    DEGRADED = "degraded"
    DOWN = "down"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Post:
    """A post on the page. `created` is the page's time; `affects` names components, if given."""

    id: str
    title: str
    state: PostState
    created: datetime | None = None
    affects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Component:
    name: str
    state: ComponentState


@dataclass(frozen=True, slots=True)
class Page:
    posts: tuple[Post, ...] = ()
    components: tuple[Component, ...] = ()


def make_post(
    id: object, title: object, state: PostState, created: datetime | None, affects: Iterable[str] = ()
) -> Post:
    """Build a post, with its text cut and cleaned."""
    names = tuple(clean(name) for name in list(affects)[:NAMES_MOST])
    return Post(short_id(str(id)), clean(title) or "untitled", state, created, names)


def make_page(posts: Sequence[Post], components: Sequence[Component] = ()) -> Page:
    """Build a page. Of posts with one id the last word counts: one that is over ends the event."""
    events: dict[str, Post] = {}
    for post in posts:
        before = events.setdefault(post.id, post)
        if (post.state is PostState.OVER and _is_later(post, before)) or (
            before.state is PostState.OVER
            and post.state is not PostState.OVER
            and _is_later(post, before, strictly=True)
        ):
            events[post.id] = post
    return Page(tuple(events.values())[:POSTS_MOST], tuple(components[:COMPONENTS_MOST]))


def _is_later(one: Post, other: Post, strictly: bool = False) -> bool:
    if one.created is None or other.created is None:
        return not strictly
    return one.created > other.created if strictly else one.created >= other.created


def declared(page: Page, about: Sequence[str]) -> tuple[Post, ...]:
    """Current problems of the components that `about` matches, or of any if it is empty.

    A failing component without a post counts as one: pages often show it first.
    """
    open_posts = [post for post in page.posts if post.state is PostState.OPEN and _concerns(post.affects, about)]
    troubled = [
        make_post(
            f"component:{each.name}", f"{each.name}: {_STATE_WORDS[each.state]}", PostState.OPEN, None, [each.name]
        )
        for each in page.components
        if each.state in _STATE_WORDS and _concerns((each.name,), about)
    ]
    return (*open_posts, *troubled)


_STATE_WORDS = {ComponentState.DEGRADED: "degraded", ComponentState.DOWN: "outage"}


def _concerns(names: Sequence[str], about: Sequence[str]) -> bool:
    if not about or not names:
        return True
    return any(word in name.lower() for name in names for word in about)


def clean(text: object, limit: int = TITLE_LIMIT) -> str:
    """One line of text without control, format or surrogate characters, at most `limit` long."""
    spaced = " ".join(str(text or "")[: limit * 4].split())
    plain = "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def short_id(id: str) -> str:
    if len(id) <= ID_LIMIT and id.isprintable():
        return id
    return "sha256:" + hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()[:32]


def instant_of(text: object) -> datetime | None:
    """A time as feeds write it: ISO 8601, RFC 822, or seconds since 1970; else None."""
    word = str(text or "").strip()[:64]
    try:
        if word.isascii() and word.isdigit() and len(word) <= 10:
            return datetime.fromtimestamp(int(word), UTC)
        found = datetime.fromisoformat(word) if "-" in word[:5] else parsedate_to_datetime(word)
        # Here too: an instant next to year 1 or 9999 has no UTC.
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

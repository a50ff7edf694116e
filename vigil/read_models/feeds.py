"""Status feeds with what they declare, for their page: two queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from vigil.feeds.core.catalogue import SOURCES
from vigil.feeds.models import Feed, FeedPost
from vigil.monitors.core.providers import name_of

#: Posts that are read at most, and shown of one feed.
_POSTS_MOST, _SHOWN_MOST = 500, 3


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One feed: whether it is on, when it was last read, what it declares now. `vouched`: its address was tried."""

    provider: str
    name: str
    address: str
    enabled: bool
    vouched: bool
    read_at: datetime | None
    problem: str
    declared: list[str]


def read_feeds() -> list[FeedRow]:
    """Every feed of the catalogue, those that are on first, then by name."""
    stored = {feed.provider: feed for feed in Feed.objects.all()}
    posts = FeedPost.objects.filter(ended_at=None, feed__enabled=True).order_by("seen_at")
    declared: dict[str, list[str]] = defaultdict(list)
    for provider, title in posts.values_list("feed__provider", "title")[:_POSTS_MOST]:
        declared[provider].append(title)
    rows = [_row(provider, stored.get(provider), declared[provider][:_SHOWN_MOST]) for provider in SOURCES]
    return sorted(rows, key=lambda row: (not row.enabled, row.name.lower()))


def _row(provider: str, feed: Feed | None, declared: list[str]) -> FeedRow:
    source = SOURCES[provider]
    is_on = feed is not None and feed.enabled
    return FeedRow(
        provider=provider,
        name=name_of(provider),
        address=feed.address if feed is not None else source.url,
        enabled=is_on,
        vouched=source.vouched or bool(feed is not None and feed.url),
        read_at=feed.ok_at if feed is not None and is_on else None,
        problem=feed.problem if feed is not None and is_on else "",
        declared=declared,
    )

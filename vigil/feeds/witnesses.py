"""Feed lookup: statement of a provider's feed about an incident; switching feeds on and off."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models.functions import Now

from vigil.feeds.core.catalogue import SOURCES
from vigil.feeds.core.detection_lead import AFTER, BEFORE
from vigil.feeds.core.testimony import Declared, ProviderWitness, statement
from vigil.feeds.models import Feed, FeedPost
from vigil.monitors.core.providers import name_of

POSTS_MOST = 50


def statement_on(provider: str, opened: datetime, now: datetime, *, over: bool = False) -> str:
    """One sentence about an incident; empty if no feed of the provider is read."""
    feed = Feed.objects.filter(provider=provider, enabled=True).first() if provider else None
    if feed is None:
        return ""
    around = feed.posts.filter(seen_at__lte=opened + AFTER)
    near = around.filter(seen_at__gte=opened - BEFORE) | around.filter(ended_at=None)
    posts = [declared_of(post) for post in near.order_by("seen_at")[:POSTS_MOST]]
    return statement(ProviderWitness(name_of(provider), feed.ok_at, posts), opened, now, over=over)


def declared_of(post: FeedPost) -> Declared:
    return Declared(post.title, post.seen_at, post.absent_at, post.ended_at)


def switch(providers: Iterable[str], on: bool) -> list[str]:
    """Switch the feeds of these providers; returns those changed."""
    changed = []
    for provider in providers:
        feed, _ = Feed.objects.get_or_create(provider=provider)
        if feed.enabled != on:
            # Old posts are not news: reading starts anew.
            Feed.objects.filter(pk=feed.pk).update(enabled=on, etag="", modified="", ok_at=None, problem="")
            feed.posts.filter(ended_at=None).update(ended_at=Now())
            changed.append(provider)
    return changed


def feed_rows() -> list[dict[str, str]]:
    """Every feed with its state, in words, for lists."""
    known = {feed.provider: feed for feed in Feed.objects.all()}
    return [
        {
            "provider": provider,
            "name": name_of(provider),
            "url": known[provider].address if provider in known else SOURCES[provider].url,
            "state": state_in_words(known.get(provider), SOURCES[provider].vouched),
        }
        for provider in sorted(SOURCES)
    ]


def state_in_words(feed: Feed | None, vouched: bool) -> str:
    if feed is None or not feed.enabled:
        return "off" if vouched else "off (its address may have moved)"
    if feed.problem:
        return f"on, cannot be read: {feed.problem}"
    if feed.ok_at is None:
        return "on, read within a minute while `witness` runs"
    declared = [post.title for post in feed.posts.filter(ended_at=None).order_by("seen_at")[:3]]
    return f"on, read at {feed.ok_at:%H:%M:%S} UTC: {'; '.join(declared) or 'nothing declared'}"

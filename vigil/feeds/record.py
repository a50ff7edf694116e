"""Feed recorder: stores new and ended posts, or the read error. One transaction each."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now

from vigil.clock import database_now
from vigil.feeds.core.catalogue import SOURCES
from vigil.feeds.core.page import Page, declared
from vigil.feeds.models import Feed, FeedPost

#: A year and more, for the yearly table of detection leads.
KEEP = timedelta(days=400)
#: Posts of a feed that are over and kept, the newest: a page may have new ones at each read.
ENDED_MOST = 10_000


def record_page(feed: Feed, page: Page, format: str, etag: str = "", modified: str = "") -> list[FeedPost]:
    """Store the posts of a page; returns new ones. Idempotent."""
    with transaction.atomic():
        row = Feed.objects.select_for_update().get(pk=feed.pk)
        now = database_now()
        said = {post.id: post for post in declared(page, SOURCES[row.provider].about)}
        known = {post.external_id: post for post in row.posts.filter(ended_at=None)}
        gone = [post.pk for id, post in known.items() if id not in said]
        FeedPost.objects.filter(pk__in=gone).update(ended_at=now)
        fresh = [
            FeedPost(
                feed=row, external_id=post.id, title=post.title, seen_at=now, absent_at=row.ok_at,
                created_at=post.created,
            )
            for id, post in said.items()
            if id not in known
        ]  # fmt: skip
        FeedPost.objects.bulk_create(fresh)
        FeedPost.objects.filter(feed=row, ended_at__lt=now - KEEP).delete()
        if gone:
            over = FeedPost.objects.filter(feed=row).exclude(ended_at=None).order_by("-seen_at", "-id")
            FeedPost.objects.filter(pk__in=list(over.values_list("pk", flat=True)[ENDED_MOST:])).delete()
        row.etag, row.modified, row.format = etag[:200], modified[:100], format
        row.asked_at = row.ok_at = now
        row.problem = ""
        row.save(update_fields=["etag", "modified", "format", "asked_at", "ok_at", "problem"])
    return fresh


def record_unchanged(feed: Feed) -> None:
    """Record that the feed is unchanged."""
    Feed.objects.filter(pk=feed.pk).update(asked_at=Now(), ok_at=Now(), problem="")


def record_problem(feed: Feed, problem: str) -> None:
    """Record that the feed is unreadable; its posts stay as they were."""
    Feed.objects.filter(pk=feed.pk).update(asked_at=Now(), problem=problem[:200])


def enabled_feeds(due_before: datetime) -> list[Feed]:
    """Enabled feeds not read since then."""
    found = Feed.objects.filter(enabled=True).exclude(asked_at__gt=due_before)
    return list(found.order_by("provider"))

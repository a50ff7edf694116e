"""What is kept of a page: posts that are over go by age, and the oldest of them by number."""

from __future__ import annotations

import pytest

from vigil.feeds import record
from vigil.feeds.core.page import Page, PostState, make_post
from vigil.feeds.models import Feed, FeedPost
from vigil.feeds.record import record_page

pytestmark = pytest.mark.django_db


def test_a_page_with_new_posts_at_each_read_fills_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "ENDED_MOST", 3)
    feed = Feed.objects.create(provider="openai", enabled=True)
    for read in range(6):
        record_page(feed, Page((make_post(f"post {read}", "Errors", PostState.OPEN, None),)), "statuspage")

    kept = FeedPost.objects.order_by("seen_at", "pk").values_list("external_id", flat=True)
    assert list(kept) == ["post 2", "post 3", "post 4", "post 5"]

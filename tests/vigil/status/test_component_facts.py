"""What a provider declares is read from feeds that are on, and response times from history; names of neither ours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.vigil.incidents.world import World
from tests.vigil.status.rows import SECRET, everything, shown
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.feeds.models import Feed, FeedPost
from vigil.history.core.rollups import Rollup
from vigil.history.reading import series
from vigil.read_models.core.strips import DAYS
from vigil.status.changes import save_status_page
from vigil.status.component_facts import provider_facts, response_times
from vigil.status.models import StatusPage
from vigil.status.published import PublishedPages
from vigil.status.publisher import PagePublisher

pytestmark = pytest.mark.django_db(transaction=True)


def feed(provider: str = "openai", **more: object) -> Feed:
    wanted = {"enabled": True, "ok_at": database_now(), "url": f"https://{SECRET}.example.test/feed", **more}
    return Feed.objects.create(provider=provider, **wanted)


def test_only_open_posts_of_feeds_that_are_on_and_read_are_quoted() -> None:
    now = database_now()
    said = feed()
    FeedPost.objects.create(feed=said, external_id="1", title="Elevated errors", seen_at=now)
    FeedPost.objects.create(feed=said, external_id="2", title="Over", seen_at=now, ended_at=now)
    for provider, more in (("groq", {"enabled": False}), ("cohere", {"ok_at": now - timedelta(hours=2)})):
        other = feed(provider, **more)
        FeedPost.objects.create(feed=other, external_id="1", title="Not to be told", seen_at=now)
    found = provider_facts({"openai", "groq", "cohere", "mistral", "", "nobody"}, now)
    assert {key: [post.title for post in one.posts] for key, one in found.items()} == {
        "openai": ["Elevated errors"], "groq": [], "cohere": [], "mistral": [],
    }  # fmt: skip
    # Never the address that somebody has put in place of the provider's.
    assert found["openai"].address == "https://status.openai.com/" and found["openai"].name == "OpenAI"


def test_a_page_shows_both_and_nothing_of_where_they_come_from(
    pages: PublishedPages, making: PagePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    monitor = world.monitor(f"{SECRET}-name", f"{SECRET}-host.example.test")
    part = {"name": "Chat", "monitor": monitor, "provider": "openai", "shows_latency": True}
    save_status_page(StatusPage(team=default_team()), {"slug": "acme", "title": "Acme", "components": [part]})
    FeedPost.objects.create(feed=feed(), external_id="1", title="Elevated errors", seen_at=database_now())

    def days(key: int, regions: object, first: int, last: int) -> dict[int, Rollup]:
        return {last: Rollup(durations={600: 10})} if key == monitor.pk else {}

    monkeypatch.setattr(series, "days", days)
    world.see(monitor, "fail")
    making.turn()
    text = everything(shown(pages))
    assert "Elevated errors" in text and 'class="spark latency"' in text
    inside = [SECRET, *(region.slug for region in world.regions)]
    assert [word for word in inside if word in text] == []


def test_a_monitor_without_history_has_no_response_times() -> None:
    monitor = World().monitor("m", "m.example.test")
    assert response_times([monitor.pk], database_now()) == [None] * DAYS

"""What a provider declares is read from feeds that are on, and response times from history; names of neither ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.vigil.incidents.world import World
from tests.vigil.status.rows import SECRET, everything, made, shown
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.feeds.models import Feed, FeedPost
from vigil.history.core.rollups import Rollup
from vigil.history.reading import series
from vigil.read_models.core.strips import DAYS
from vigil.status import reading
from vigil.status.changes import save_status_page
from vigil.status.component_facts import provider_facts, response_times
from vigil.status.core.history.year import PageYear
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

    def days_of(keys: Sequence[int], regions: object, first: int, last: int) -> dict[int, dict[int, Rollup]]:
        return {key: {last: Rollup(durations={600: 10})} if key == monitor.pk else {} for key in keys}

    monkeypatch.setattr(series, "days_of", days_of)
    world.see(monitor, "fail")
    making.turn()
    text = everything(shown(pages))
    assert "Elevated errors" in text and 'class="spark latency"' in text
    inside = [SECRET, *(region.slug for region in world.regions)]
    assert [word for word in inside if word in text] == []


def test_a_monitor_without_history_has_no_response_times() -> None:
    monitor = World().monitor("m", "m.example.test")
    assert response_times({"com_1": [monitor.pk], "com_2": []}, database_now()) == {
        "com_1": [None] * DAYS, "com_2": [None] * DAYS,
    }  # fmt: skip


def test_response_times_of_twenty_components_cost_the_queries_of_one() -> None:
    monitor, now = World().monitor("m", "m.example.test"), database_now()
    # Their history is empty: keys of monitors are enough to ask for it.
    costs = []
    for count in (1, 20):
        keys = {f"com_{place}": [monitor.pk + place, monitor.pk + 100 + place] for place in range(count)}
        with CaptureQueriesContext(connection) as asked:
            response_times(keys, now)
        costs.append(len(asked))
    assert costs[0] == costs[1] <= 8


def test_a_page_is_published_with_the_year_that_is_there_and_its_year_is_read_after(
    pages: PublishedPages, making: PagePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, _ = made(World())
    making.turn()
    seen: list[bool] = []
    real = reading.read_year

    def read_year(page: StatusPage, now: datetime) -> PageYear:
        seen.append("Acme Cloud" in shown(pages).files[""].plain.decode())
        return real(page, now)

    monkeypatch.setattr(reading, "read_year", read_year)
    save_status_page(row, {"title": "Acme Cloud", "components": [{"name": "Newest", "tag": "x"}]})
    making.turn()
    assert seen == [True] and "Newest" in shown(pages).files["history"].plain.decode()
    making.turn()
    assert seen == [True]

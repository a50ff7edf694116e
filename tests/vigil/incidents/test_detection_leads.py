"""Detection leads of incidents: stored with them, matched once, settled in time, and added up for a year."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.vigil.incidents.world import World
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.feeds.core.lead_table import ProviderLeads
from vigil.feeds.models import Feed, FeedPost
from vigil.incidents.models import DetectionLead, Incident, Transition
from vigil.incidents.providers.detection_leads import settle_leads
from vigil.incidents.providers.lead_years import lead_table
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db(transaction=True)
HOST = "api.openai.com"


@pytest.fixture
def now() -> datetime:
    return database_now()


@pytest.fixture
def feed(now: datetime) -> Feed:
    return Feed.objects.create(provider="openai", enabled=True, ok_at=now)


def fail(world: World, name: str, opened: datetime) -> Incident:
    """An incident of OpenAI that was opened then."""
    monitor = world.monitor(name, HOST)
    world.see(monitor, "fail")
    Monitor.objects.update(created_at=opened - timedelta(days=1))
    Incident.objects.filter(monitor=monitor).update(started_at=opened - timedelta(minutes=1), opened_at=opened)
    return Incident.objects.get(monitor=monitor)


def post(feed: Feed, seen: datetime, title: str = "Errors") -> FeedPost:
    return FeedPost.objects.create(
        feed=feed, external_id=title, title=title, seen_at=seen, absent_at=seen - timedelta(minutes=1)
    )


def test_the_lead_is_stored_with_the_incident_and_told_when_it_ends(feed: Feed, now: datetime) -> None:
    world = World()
    incident = fail(world, "chat", now - timedelta(minutes=20))
    assert settle_leads(now) == 1
    assert DetectionLead.objects.get().state == "waiting"
    post(feed, now - timedelta(minutes=6))
    assert settle_leads(now) == 1
    lead = DetectionLead.objects.get()
    assert (lead.incident_id, lead.state, lead.first, lead.title) == (incident.pk, "told", "us", "Errors")
    assert (lead.least_s, lead.most_s) == (780, 840)
    assert settle_leads(now) == 0

    assert incident.monitor is not None
    world.see(incident.monitor, "pass", "pass")
    ended = Transition.objects.get(step="resolved")
    assert ended.text.endswith("Seen 14 minutes before their page (OpenAI: “Errors”).")


def test_one_post_is_the_word_on_one_incident(feed: Feed, now: datetime) -> None:
    world = World()
    first = fail(world, "chat", now - timedelta(minutes=60))
    second = fail(world, "embeddings", now - timedelta(minutes=20))
    Incident.objects.update(part_of=None)
    post(feed, now - timedelta(minutes=15))
    settle_leads(now)
    states = dict(DetectionLead.objects.values_list("incident_id", "state"))
    assert states == {first.pk: "waiting", second.pk: "told"}
    # What joins another incident has no lead of its own.
    Incident.objects.filter(pk=second.pk).update(part_of=first)
    settle_leads(now)
    assert list(DetectionLead.objects.values_list("incident_id", "state")) == [(first.pk, "told")]


def test_a_second_post_on_an_outage_is_about_no_older_one(feed: Feed, now: datetime) -> None:
    world = World()
    older = fail(world, "chat", now - timedelta(minutes=60))
    newer = fail(world, "embeddings", now - timedelta(minutes=20))
    Incident.objects.update(part_of=None)
    post(feed, now - timedelta(minutes=19), "API: outage")
    post(feed, now - timedelta(minutes=18), "Elevated errors")
    for _ in range(2):
        settle_leads(now)
    states = dict(DetectionLead.objects.values_list("incident_id", "state"))
    assert states == {older.pk: "waiting", newer.pk: "told"}


def test_silence_is_settled_and_a_page_that_nobody_read_is_not_silent(feed: Feed, now: datetime) -> None:
    fail(World(), "chat", now - timedelta(minutes=190))
    Feed.objects.update(ok_at=now - timedelta(minutes=30))
    settle_leads(now)
    assert DetectionLead.objects.get().state == "unread"
    Feed.objects.update(ok_at=now)
    assert settle_leads(now) == 0 and DetectionLead.objects.get().state == "unread"
    DetectionLead.objects.all().delete()
    settle_leads(now)
    assert DetectionLead.objects.get().state == "silent"


def test_a_page_with_a_post_on_another_outage_is_not_silent(feed: Feed, now: datetime) -> None:
    world = World()
    first = fail(world, "chat", now - timedelta(minutes=200))
    second = fail(world, "embeddings", now - timedelta(minutes=190))
    Incident.objects.update(part_of=None)
    post(feed, now - timedelta(minutes=198))
    settle_leads(now)

    states = dict(DetectionLead.objects.values_list("incident_id", "state"))
    assert states == {first.pk: "told", second.pk: "unread"}


def test_where_no_page_is_read_there_is_no_lead(now: datetime) -> None:
    fail(World(), "chat", now)
    assert settle_leads(now) == 0 and not DetectionLead.objects.exists()


def test_a_year_adds_up_leads_and_the_posts_that_we_missed(feed: Feed, now: datetime) -> None:
    noon = datetime(now.year, 6, 1, 12, tzinfo=now.tzinfo)
    Feed.objects.update(ok_at=noon)
    fail(World(), "chat", noon - timedelta(minutes=20))
    post(feed, noon - timedelta(minutes=6))
    post(feed, noon - timedelta(hours=20), "Outage of another part")
    settle_leads(noon)
    team = default_team()
    assert lead_table(team, noon.year) == [ProviderLeads("openai", 1, 1, 0, 0, 0, 1, 0, 780, 780, 780)]
    assert lead_table(team, noon.year - 1) == []

"""The pages of a monitor and of an incident tell what is stored, in a bounded number of queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from probes import keys, wire
from probes.reasons import Reason, Status
from tests.vigil.history.stage import Stage
from tests.vigil.incidents.world import World
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.outbox import enqueue
from vigil.feeds.models import Feed
from vigil.history.core.packing import HOUR_MS
from vigil.incidents.models import Incident
from vigil.monitors.changes import create_monitor
from vigil.monitors.live.results import Latest
from vigil.monitors.models import Region
from vigil.read_models import monitor_facts
from vigil.read_models.core.chart_ranges import of_key
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.incident_page import read_incident_page
from vigil.read_models.monitor.latency_chart import read_latency_chart
from vigil.read_models.monitor.page import read_monitor_page, read_provider_status


@pytest.fixture
def stage(redis_url: str, transactional_db: None) -> Stage:
    regions = {slug: Region.objects.create(slug=slug, domain=slug) for slug in ("eu", "us")}
    fields = {"name": "m", "kind": "http", "config": {"url": "https://example.com/"}}
    return Stage(redis.Redis.from_url(redis_url), create_monitor(default_team(), fields), regions)


def test_a_monitor_page_shows_uptime_beside_reachability_and_each_last_result(stage: Stage) -> None:
    hour = stage.last_hour
    slow = [stage.result(hour * HOUR_MS + at, total_us=400_000) for at in range(7_000, HOUR_MS, 60_000)]
    stage.report("eu", *slow)
    refused = [stage.result(hour * HOUR_MS + at, Status.DOWN, Reason.REFUSED) for at in range(9_000, HOUR_MS, 60_000)]
    stage.report("us", *refused)
    newest = stage.result(stage.now_ms() - 1_000)
    stage.client.hset(keys.latest("eu"), stage.monitor.public_id, wire.encode(newest))
    recorder = stage.recorder()
    recorder._turn()
    stage.pack(hour)
    team = default_team()
    with CaptureQueriesContext(connection) as asked:
        page = read_monitor_page(team, stage.monitor.public_id, timezone.now())
    assert page is not None and len(asked) <= 8
    assert page.reachability == pytest.approx(0.5)
    assert page.checks == 120
    assert page.row.p95_ms == pytest.approx(400, rel=0.02)
    assert [(one.region, one.state) for one in page.results] == [("eu", ShownState.UP), ("us", ShownState.UNKNOWN)]
    chart = read_latency_chart(stage.monitor, of_key("24h", timezone.now()))
    assert sum(point.down for point in chart.all_regions) == 60
    assert {region: len(points) for region, points in chart.regions.items()} == {"eu": 4, "us": 4}


def test_a_monitor_page_asks_once_who_is_in_quarantine_and_never_a_redis_that_is_away(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []

    def quarantines() -> dict[str, str]:
        asked.append({})
        return asked[-1]

    monkeypatch.setattr(monitor_facts, "region_quarantines", quarantines)
    newest = stage.result(stage.now_ms() - 1_000)
    stage.client.hset(keys.latest("eu"), stage.monitor.public_id, wire.encode(newest))
    assert read_monitor_page(default_team(), stage.monitor.public_id, timezone.now()) is not None
    assert len(asked) == 1
    # Each question to it would take its whole deadline.
    monkeypatch.setattr(monitor_facts, "latest_results", lambda monitors, regions: Latest(False))
    assert read_monitor_page(default_team(), stage.monitor.public_id, timezone.now()) is not None
    assert len(asked) == 1


@pytest.mark.django_db
def test_a_page_of_another_team_is_none(redis_url: str) -> None:
    world, other = World(), Team.objects.create(name="Other", slug="other")
    monitor = world.monitor("chat")
    world.see(monitor, "fail")
    now = timezone.now()
    assert read_monitor_page(other, monitor.public_id, now) is None
    assert read_incident_page(other, Incident.objects.get().public_id, now) is None


@pytest.mark.django_db
def test_an_incident_page_shows_votes_who_was_told_and_who_was_not(redis_url: str) -> None:
    world = World()
    ops = Channel.objects.create(team=default_team(), name="Ops", kind="webhook", config={"url": "https://ops.test/"})
    monitor = world.monitor("chat")
    world.see(monitor, "fail", enqueue=enqueue)
    incident = Incident.objects.get()
    told = Delivery.objects.get(channel=ops)
    Delivery.objects.filter(pk=told.pk).update(
        state="sent", sent_at=told.step.at + timedelta(seconds=2), answer="200 ok"
    )
    quiet = Channel.objects.create(team=default_team(), name="Mail", kind="email", config={})
    now = timezone.now()
    Delivery.objects.create(
        team=default_team(), incident=incident, transition=told.transition, channel=quiet, event="trigger",
        state="held", withheld="silenced", held_by="deploy window", created_at=now, due_at=now,
    )  # fmt: skip
    team = default_team()
    with CaptureQueriesContext(connection) as asked:
        page = read_incident_page(team, incident.public_id, now)
    assert page is not None and len(asked) <= 5
    assert page.lead == "5 of 5 regions saw connection refused."
    assert page.headline.startswith("Down for ")
    assert [(one.channel, one.answer, one.delay) for one in page.told] == [("Ops", "200 ok", timedelta(seconds=2))]
    assert [(one.channel, one.reason, one.held_by, one.waits) for one in page.not_told] == [
        ("Mail", "silenced", "deploy window", True)
    ]
    assert page.votes[0].law.startswith("3 failing votes from ")
    assert len(page.votes[0].rows) == 5
    assert page.timeline[-1].id == "t-1" and page.timeline[-1].told == 1


@pytest.mark.django_db
def test_the_providers_own_status_stands_beside_ours(redis_url: str) -> None:
    monitor = World().monitor("chat", "api.openai.com")
    assert monitor.provider == "openai"
    now = timezone.now()
    feed = Feed.objects.create(provider="openai", enabled=True, ok_at=now)
    feed.posts.create(external_id="1", title="Elevated errors", seen_at=now, absent_at=now - timedelta(minutes=1))
    provider = read_provider_status(monitor)
    assert provider is not None
    assert provider.name == "OpenAI" and not provider.is_operational
    assert provider.posts[0].title == "Elevated errors"

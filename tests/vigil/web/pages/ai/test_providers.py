"""Pages of providers: what is left, whose fault the lost time was, and who told first; and the same as metrics."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from vigil.accounts.login import ensure_first_admin
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.feeds.models import Feed, FeedPost
from vigil.history.reading.minutes_lost import provider_budgets
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident
from vigil.incidents.providers.detection_leads import settle_leads
from vigil.metrics.detection_leads import DetectionLeadCollector
from vigil.metrics.minutes_lost import MinutesLostCollector, families
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    client.get("/more")
    return client


@pytest.fixture
def incident() -> Incident:
    """Ten minutes of overload, told by OpenAI's page 14 minutes after us."""
    listed = {"type": "jsonpath", "path": "$.data[*].id", "contains": "gpt-<x>", "reason": "model_missing"}
    config = {"url": "https://api.openai.com/v1/models", "assertions": [listed]}
    monitor = create_monitor(default_team(), {"name": "chat", "kind": "http", "config": config})
    opened = database_now() - timedelta(minutes=20)
    Monitor.objects.update(created_at=opened - timedelta(days=40))
    made = Incident.objects.create(
        team=default_team(), monitor=monitor, kind=IncidentKind.OUTAGE, title="chat is down", failure="overloaded",
        provider="openai", started_at=opened, opened_at=opened, resolved_at=opened + timedelta(minutes=10),
    )  # fmt: skip
    feed = Feed.objects.create(provider="openai", enabled=True, ok_at=database_now())
    seen = opened + timedelta(minutes=14)
    FeedPost.objects.create(
        feed=feed, external_id="1", title="<b>Errors", seen_at=seen, absent_at=seen - timedelta(minutes=1)
    )
    settle_leads(database_now())
    return made


def text(reader: Client, address: str) -> str:
    answer = reader.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_pages_say_what_was_lost_and_who_told_first(reader: Client, incident: Incident) -> None:
    assert "Of the 10 min lost, 100 % were overload (529)." in text(reader, "/providers")
    page = text(reader, "/providers/openai")
    assert "gpt-&lt;x&gt;" in page and "overload (529)" in page and "chat is down" in page
    assert "We were 14 minutes before their page: <bdi>&lt;b&gt;Errors</bdi>" in page
    assert "We were 14 minutes before their page." in text(reader, f"/incidents/{incident.public_id}")
    year = incident.opened_at.year
    assert "Vigil was first on 1 of 1 outage" in text(reader, f"/providers/leads?year={year}")
    assert "openai,1,1,0,0,0,0,0,780,780,780" in text(reader, f"/providers/leads.csv?year={year}")
    assert "No outage of this year" in text(reader, f"/providers/leads?year={year - 1}")
    assert reader.get("/providers/groq").status_code == 404
    assert "/providers" in text(reader, "/more")


def test_without_providers_the_page_says_so(reader: Client) -> None:
    assert "No provider is watched" in text(reader, "/providers")


def test_metrics_have_the_minutes_of_each_class(reader: Client, incident: Incident) -> None:
    create_monitor(default_team(), {"name": "own", "kind": "http", "config": {"url": "https://own.example.test/"}})
    lost, left = MinutesLostCollector().collect()
    assert {sample.labels["class"] for sample in lost.samples} == {"ours", "theirs", "net", "unknown"}
    [leads] = DetectionLeadCollector().collect()
    assert [(sample.labels["provider"], sample.value) for sample in leads.samples] == [("openai", 780.0)]
    # Of a pair that two teams watch, minutes add up.
    lost, left = families(provider_budgets(default_team(), database_now()) * 2)
    values = {tuple(sample.labels.values()): sample.value for sample in lost.samples}
    assert values["openai", "", "theirs"] == values["openai", "gpt-<x>", "theirs"] == 20.0
    assert values["openai", "", "ours"] == 0.0
    assert {sample.labels["model"] for sample in left.samples} == {"", "gpt-<x>"}

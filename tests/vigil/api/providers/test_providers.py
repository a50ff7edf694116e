"""Providers over the API: budgets by whose fault lost time was, and the table of detection leads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.feeds.models import Feed, FeedPost
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident
from vigil.incidents.providers.detection_leads import settle_leads
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(default_team())


def outage(api: Api, name: str = "chat") -> Incident:
    """An outage of OpenAI by overload, opened 20 minutes ago, over 10 minutes later."""
    listed = {"type": "jsonpath", "path": "$.data[*].id", "contains": "gpt-x", "reason": "model_missing"}
    config = {"url": "https://api.openai.com/v1/models", "assertions": [listed]}
    assert api("POST", "monitors", {"name": name, "kind": "http", "config": config})[0] == 201
    monitor = Monitor.objects.get(name=name)
    opened = database_now() - timedelta(minutes=20)
    Monitor.objects.update(created_at=opened - timedelta(days=40))
    return Incident.objects.create(
        team=default_team(), monitor=monitor, kind=IncidentKind.OUTAGE, title="t", failure="overloaded",
        provider="openai", started_at=opened, opened_at=opened, resolved_at=opened + timedelta(minutes=10),
    )  # fmt: skip


def test_budgets_of_a_provider_and_its_models_say_whose_fault_it_was(api: Api) -> None:
    outage(api)
    status, found = api("GET", "providers")
    assert status == 200
    whole, model = found["budgets"]
    assert (whole["provider"], whole["name"], whole["model"], model["model"]) == ("openai", "OpenAI", "", "gpt-x")
    assert whole["objective"] == {"id": None, "name": "default", "target_percent": 99.9, "window_days": 30}
    assert (whole["lost_s"], whole["spent_s"], whole["counted_s"]) == (600, 600, 30 * 86_400)
    assert [(one["loss"], one["percent"]) for one in whole["classes"]] == [
        ("ours", 0), ("theirs", 100), ("net", 0), ("unknown", 0),
    ]  # fmt: skip
    assert whole["reasons"] == [{"loss": "theirs", "reason": "overloaded", "seconds": 600, "percent": 100}]
    assert whole["words"] == "Of the 10 min lost, 100 % were overload (529)."
    assert 0.7 < whole["left"] < 0.8 and whole["pace"] == "steady"
    assert api("GET", "providers/openai")[1] == found
    assert api("GET", "providers/groq")[0] == 404


def test_an_incident_and_the_yearly_table_say_who_was_first(api: Api) -> None:
    incident = outage(api)
    feed = Feed.objects.create(provider="openai", enabled=True, ok_at=database_now())
    seen = incident.opened_at + timedelta(minutes=14)
    FeedPost.objects.create(
        feed=feed, external_id="1", title="=Errors", seen_at=seen, absent_at=seen - timedelta(minutes=1)
    )
    shown: dict[str, Any] = api("GET", f"incidents/{incident.public_id}")[1]
    assert shown["lead"] is None
    settle_leads(database_now())
    lead = api("GET", f"incidents/{incident.public_id}")[1]["lead"]
    assert (lead["state"], lead["first"], lead["least_s"], lead["most_s"]) == ("told", "us", 780, 840)
    assert lead["words"] == "14 minutes before their page"
    [row] = api("GET", f"detection-leads?year={seen.year}")[1]["providers"]
    assert (row["name"], row["outages"], row["us"], row["median_s"]) == ("OpenAI", 1, 1, 780)
    assert api("GET", f"detection-leads?year={seen.year - 1}")[1]["providers"] == []
    assert api("GET", "detection-leads?year=1")[0] == api("GET", "detection-leads?format=xml")[0] == 400

    table = api.ask("GET", "detection-leads?format=csv")
    text = b"".join(table.streaming_content).decode() if table.streaming else table.content.decode()
    assert text.splitlines()[1] == "openai,OpenAI,1,1,0,0,0,0,0,780,780,780"

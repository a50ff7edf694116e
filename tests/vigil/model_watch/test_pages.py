"""Models in use over the page, the API, the calendar and the metric: of one's own team, with who says so."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from icalendar import Calendar
from prometheus_client import CollectorRegistry

from probes.ai.models.listed import ListedModel
from tests.vigil.api.caller import Api
from tests.vigil.web.pages.test_incidents import member
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Role, Scope, Team
from vigil.accounts.teams import default_team
from vigil.alerts.notice_outbox import enqueue_notices
from vigil.clock import database_now
from vigil.doctor import monitors as doctor
from vigil.doctor.findings import ExaminationContext, Level
from vigil.metrics.ai.notices import ModelCollector
from vigil.model_watch import tables
from vigil.model_watch.core.table import RetirementTable
from vigil.model_watch.models import DeclaredModel, SeenList
from vigil.model_watch.packed import packed
from vigil.model_watch.retirements import tell_retirements
from vigil.model_watch.uses import declare_models
from vigil.monitors.core.litellm import plan
from vigil.monitors.live.results import redis_client
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db


def monitor(name: str, provider: str, model: str, team: Team | None = None) -> Monitor:
    config = {"url": f"https://x.test/v1/models/{model}", "provider": provider}
    return Monitor.objects.create(team=team or default_team(), name=name, kind="http", config=config, interval_s=60)


@pytest.fixture
def used() -> Monitor:
    theirs = Team.objects.create(name="Other", slug="other")
    monitor("Theirs", "openai", "o3", theirs)
    monitor("No date", "mistral", "mistral-x")
    return monitor("Chat <b>", "openai", "gpt-5")


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


def test_a_writer_forgets_the_models_of_a_proxy_that_is_no_more(boss: Client) -> None:
    theirs = Team.objects.create(name="Other", slug="other")
    document = plan({"model_list": [{"model_name": "chat", "litellm_params": {"model": "openai/gpt-5"}}]})
    for team in (default_team(), theirs):
        declare_models(team.pk, document, "edge")
    assert "Forget 1 model of LiteLLM edge" in boss.get("/models").content.decode()
    assert boss.post("/models/forget", {"source": "edge"}).status_code == 302
    assert [row.team for row in DeclaredModel.objects.all()] == [theirs]
    reader = member(Role.VIEWER)
    assert reader.post("/models/forget", {"source": "edge"}).status_code == 403


def test_the_page_lists_models_in_use_with_day_source_and_replacement(boss: Client, used: Monitor) -> None:
    text = boss.get("/models").content.decode()
    for words in (
        "gpt-5",
        "11 Dec 2026",
        "gpt-6.1-sol",
        "Chat &lt;b&gt;",
        "developers.openai.com",
        "mistral-x",
        ".ics",
    ):
        assert words in text
    assert "o3" not in text.split("<main")[1].split("In your calendar")[0]


def test_a_viewer_sees_no_address_and_may_not_renew_it(used: Monitor) -> None:
    viewer = member(Role.VIEWER)
    assert ".ics" not in viewer.get("/models").content.decode()
    assert viewer.post("/models/renew").status_code == 403


def test_the_calendar_is_read_by_its_secret_address_until_it_is_renewed(boss: Client, used: Monitor) -> None:
    api = Api(default_team(), Scope.READ, Scope.WRITE)
    address = api("POST", "models/calendar")[1]["address"]
    path = "/" + address.split("/", 3)[3]
    answer = Client().get(path)
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/calendar")
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert (str(event["summary"]), event.decoded("dtstart")) == ("gpt-5 of OpenAI retires", date(2026, 12, 11))
    assert "Chat <b>" in str(event["description"]) and "gpt-6.1-sol" in str(event["description"])
    assert boss.post("/models/renew").status_code == 302
    assert Client().get(path).status_code == 404
    assert api("POST", "models/calendar")[1]["address"] != address


def test_the_api_gives_the_same_and_of_the_own_team_only(used: Monitor) -> None:
    status, found = Api(default_team(), Scope.READ)("GET", "models")
    assert status == 200
    dated, undated = found["models"]
    assert (dated["provider_name"], dated["model"], dated["retires"], dated["replacement"]) == (
        "OpenAI", "gpt-5", "2026-12-11", "gpt-6.1-sol",
    )  # fmt: skip
    assert dated["used_in"] == [{"name": "Chat <b>", "monitor": used.public_id}]
    assert (undated["model"], undated["retires"], undated["deprecated"]) == ("mistral-x", None, False)


def test_the_list_that_regions_read_is_one_with_what_some_lack(used: Monitor) -> None:
    api, path = Api(default_team(), Scope.READ), f"monitors/{used.public_id}/models"
    assert api("GET", path)[1] == {"provider": "", "regions": [], "models": []}
    rows = [ListedModel("a", 5, "0.1"), ListedModel("b", retires="2030-01-01")]
    for slug, seen in (("eu", rows), ("us", rows[:1])):
        SeenList.objects.create(
            monitor=used, region=Region.objects.create(slug=slug, domain=slug), revision=used.revision,
            provider="openai", at=database_now(), rows=packed(seen), total=len(seen),
        )  # fmt: skip
    found = api("GET", path)[1]
    assert [(row["id"], row["context_length"], row["retires"], row["missing_in"]) for row in found["models"]] == [
        ("a", 5, None, []), ("b", None, "2030-01-01", ["us"]),
    ]  # fmt: skip
    assert Api(Team.objects.get(slug="other"), Scope.READ)("GET", path)[0] == 404


def test_the_metric_counts_the_days_that_are_left(used: Monitor) -> None:
    now = database_now()
    tell_retirements(tables.load_table().table, now, enqueue_notices)
    registry = CollectorRegistry()
    registry.register(ModelCollector())
    left = (date(2026, 12, 11) - now.date()).days
    found = registry.get_sample_value("vigil_ai_model_retires_days", {"provider": "openai", "model": "gpt-5"})
    assert found == left


@pytest.mark.parametrize(
    ("age_days", "problem", "level", "words"),
    [
        (10, "", Level.WELL, "as of"),
        (181, "", Level.WARNING, "181 days old"),
        (10, "own.json: no", Level.PROBLEM, "own.json: no"),
    ],
)
def test_doctor_says_that_the_table_is_old_or_unusable(
    monkeypatch: pytest.MonkeyPatch, age_days: int, problem: str, level: Level, words: str
) -> None:
    now = database_now()
    table = RetirementTable(now.date() - timedelta(days=age_days), [])
    loaded: Any = tables.LoadedTable(table, "own.json", problem)
    monkeypatch.setattr(doctor, "load_table", lambda: loaded)
    first = next(iter(doctor.retirements(ExaminationContext(redis_client(), now, None))))
    assert first.level is level and words in first.text

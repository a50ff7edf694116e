"""Keys, regions and fallbacks on pages, over the API and as metrics: the same facts in each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from tests.vigil.api.caller import Api
from vigil.access.core.pooled import QuotaTrend
from vigil.access.core.rows import quota_rows
from vigil.access.core.trend import Trend, TrendReason
from vigil.access.models import KeyHeadroom, RegionAccess
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.incidents.composites import sweep_composites
from vigil.incidents.models import MonitorState
from vigil.incidents.sweep import reconcile_monitors
from vigil.metrics.ai.keys import KeyCollector
from vigil.monitors.changes import create_monitor
from vigil.monitors.composites import Member, create_composite
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
TREND = Trend(TrendReason.FALLING, 20.0, 16.0, 26.0)


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    client.get("/more")
    return client


@pytest.fixture
def api() -> Api:
    return Api(default_team())


@pytest.fixture
def regions() -> list[Region]:
    return [Region.objects.create(slug=slug, domain=slug) for slug in ("eu", "cn")]


@pytest.fixture
def pair(regions: list[Region]) -> tuple[Monitor, Monitor]:
    """A primary that is up with a quota that falls, and a fallback whose key is short."""
    made = []
    for name, host in (("primary", "api.openai.com"), ("spare", "api.anthropic.com")):
        fields: dict[str, Any] = {"name": name, "kind": "http", "config": {"url": f"https://{host}/v1/models"}}
        made.append(create_monitor(default_team(), {**fields, "regions": regions, "headroom_warning_minutes": 30}))
    primary, spare = made
    quota = QuotaTrend("requests", TREND, 0.4, 400, 1000, 86_400.0, {"eu": TREND, "cn": Trend(TrendReason.UNCERTAIN)})
    KeyHeadroom.objects.create(monitor=primary, at=AT, quotas=quota_rows([quota]), warned=True)
    KeyHeadroom.objects.create(monitor=spare, at=AT, short=True)
    return primary, spare


@pytest.fixture
def chain(pair: tuple[Monitor, Monitor]) -> Monitor:
    members = [Member(monitor, rank, f"group {rank}") for rank, monitor in enumerate(pair)]
    made = create_composite(default_team(), {"name": "chat", "rule": "readiness", "members": members})
    reconcile_monitors(lambda _: None)
    MonitorState.objects.filter(monitor__in=pair).update(status="up")
    return made.monitor


@pytest.fixture
def blocked(pair: tuple[Monitor, Monitor]) -> None:
    common: dict[str, Any] = {"team": default_team(), "provider": "openai", "host": "api.openai.com", "seen_at": AT}
    RegionAccess.objects.create(**common, region="eu", access="may_use", since=AT)
    evidence = "answered 403: the country of this region is not served <b>"
    RegionAccess.objects.create(**common, region="cn", access="refused_by_geography", since=AT, evidence=evidence)
    other = Team.objects.create(name="other", slug="other")
    RegionAccess.objects.create(
        **{**common, "team": other, "host": "secret.example"}, region="eu", access="down", since=AT
    )


def test_the_matrix_tells_geography_from_down_and_shows_no_other_team(reader: Client, api: Api, blocked: None) -> None:
    text = reader.get("/providers/regions").content.decode()
    assert "1 region kept out" in text
    assert "api.openai.com refuses the country of cn" in text
    assert "is not served &lt;b&gt;" in text
    assert "secret.example" not in text

    status, found = api("GET", "region-access")
    assert status == 200
    [row] = found["providers"]
    assert (row["provider"], row["name"], row["host"]) == ("openai", "OpenAI", "api.openai.com")
    assert [(one["region"], one["access"]) for one in row["regions"]] == [
        ("cn", "refused_by_geography"), ("eu", "may_use")
    ]  # fmt: skip


def test_an_empty_matrix_says_what_will_stand_there(reader: Client) -> None:
    assert "No provider is watched" in reader.get("/providers/regions").content.decode()


def test_a_trend_says_its_minutes_with_their_doubt(api: Api, pair: tuple[Monitor, Monitor]) -> None:
    status, found = api("GET", f"monitors/{pair[0].public_id}/headroom")

    assert status == 200
    assert (found["warning_minutes"], found["is_warned"], found["is_short"]) == (30, True, False)
    [trend] = found["trends"]
    assert (trend["counted"], trend["minutes"], trend["low"], trend["high"]) == ("requests", 20.0, 16.0, 26.0)
    assert trend["words"] == "At this slope 429 in about 20 minutes (between 16 minutes and 26 minutes)."
    assert [(one["region"], one["reason"]) for one in trend["regions"]] == [("cn", "uncertain"), ("eu", "falling")]


@pytest.mark.parametrize(("minutes", "status"), [(5, 200), (1440, 200), (None, 200), (4, 400), (1441, 400), (-1, 400)])
def test_a_warning_has_bounds(api: Api, pair: tuple[Monitor, Monitor], minutes: int | None, status: int) -> None:
    address = f"monitors/{pair[0].public_id}"

    assert api("PATCH", address, {"headroom_warning_minutes": minutes})[0] == status


def test_readiness_says_what_the_death_of_the_primary_means(reader: Client, api: Api, chain: Monitor) -> None:
    status, found = api("GET", f"composites/{chain.public_id}/readiness")
    assert status == 200
    assert (found["reason"], found["words"]) == (
        "no_headroom", "If primary died now, spare would serve, whose key has no headroom for it."
    )  # fmt: skip
    assert [(one["name"], one["status"], one["is_short"], one["left"]) for one in found["targets"]] == [
        ("primary", "up", False, 0.4), ("spare", "up", True, None)
    ]  # fmt: skip
    assert found["serving"] == found["targets"][0]["monitor"]

    text = reader.get(f"/monitors/{chain.public_id}").content.decode()
    assert "If the one that serves died now" in text
    assert "No headroom" in text
    assert "fallback 1, next" in text


def test_only_a_chain_has_readiness(api: Api, pair: tuple[Monitor, Monitor]) -> None:
    plain = create_composite(default_team(), {"name": "any", "rule": "any", "members": [Member(pair[0])]})

    assert api("GET", f"composites/{plain.monitor.public_id}/readiness")[0] == 404


def test_metrics_tell_the_same(chain: Monitor, blocked: None) -> None:
    sweep_composites(lambda _: None)
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in KeyCollector().collect()
        for sample in family.samples
    }

    assert found["vigil_ai_headroom_left", "openai", "requests"] == 0.4
    assert found["vigil_ai_headroom_minutes", "openai", "requests"] == 20.0
    assert found["vigil_ai_headroom_warned_keys",] == 1
    assert found["vigil_ai_region_access", "openai", "refused_by_geography"] == 1
    assert found["vigil_ai_fallback_readiness", "no_headroom"] == 1
    assert found["vigil_ai_fallback_readiness", "ready"] == 0

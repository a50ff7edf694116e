"""Feeds, self-tests and providers' incidents over the API."""

from __future__ import annotations

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.alerts.selftest.selftest import run_self_tests
from vigil.feeds.core.catalogue import SOURCES
from vigil.feeds.models import Feed
from vigil.incidents.models import Incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(default_team())


def test_every_feed_is_listed_off_and_only_staff_switches_it(api: Api) -> None:
    listed = api("GET", "feeds?limit=100")[1]["results"]
    assert {row["provider"] for row in listed} <= set(SOURCES) and len(listed) >= 20
    assert not any(row["enabled"] for row in listed)
    assert api("PATCH", "feeds/openai", {"enabled": True})[0] == 403
    assert not Feed.objects.filter(enabled=True).exists()


def test_self_tests_show_their_proof_and_stand_in_no_list_of_incidents(api: Api) -> None:
    run_self_tests()
    (test,) = api("GET", "self-tests")[1]["results"]
    assert test["passed"] is None
    assert [(one["name"], one["state"]) for one in test["proof"]] == [("Loopback (self-test)", "pending")]
    assert api("GET", "incidents")[1]["results"] == []
    assert len(api("GET", "incidents?kind=self_test")[1]["results"]) == 1
    assert api("GET", f"incidents/{test['incident']}")[0] == 200
    assert Api(Team.objects.create(name="O", slug="o"))("GET", f"self-tests/{test['incident']}")[0] == 404


def test_a_providers_incident_names_its_members_and_they_name_it(api: Api) -> None:
    from vigil.clock import database_now

    at = database_now()
    fields = {"team": default_team(), "kind": "outage", "started_at": at, "opened_at": at, "provider": "openai"}
    whole = Incident.objects.create(title="OpenAI: 2 monitors fail together", cause_key="provider:1:openai", **fields)
    part = Incident.objects.create(title="chat is down", cause_key="x", part_of=whole, **fields)
    assert api("GET", f"incidents/{whole.public_id}")[1]["members"] == [part.public_id]
    assert api("GET", f"incidents/{part.public_id}")[1]["part_of"] == whole.public_id
    assert len(api("GET", "incidents?provider=openai")[1]["results"]) == 2
    assert api("GET", "incidents?provider=cohere")[1]["results"] == []

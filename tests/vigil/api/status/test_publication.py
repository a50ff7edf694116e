"""Drafts, moments, edits, plans, rules and templates over the API; publishing needs the right to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.models import Scope, Team
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.monitors.changes import create_monitor
from vigil.silences.models import Silence
from vigil.status.models import PublicIncident

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(default_team())


@pytest.fixture
def page(api: Api) -> Any:
    wanted = {"name": "m", "kind": "http", "config": {"url": "https://example.com/"}}
    monitor = create_monitor(default_team(), wanted).public_id
    components = [{"name": "Chat", "monitor": monitor}, {"name": "All", "tag": "shop"}]
    return api("POST", "status-pages", {"slug": "acme", "title": "Acme", "components": components})[1]


def moment(hours: float) -> str:
    return (database_now() + timedelta(hours=hours)).isoformat()


def told(api: Api, page: Any, **more: Any) -> Any:
    status, made = api("POST", "public-incidents", {"page": page["id"], "title": "Slow", "text": "We look.", **more})
    assert status == 201, made
    return made


def test_a_draft_is_written_and_published(api: Api, page: Any) -> None:
    made = told(api, page, is_draft=True)
    assert made["published_at"] is None and made["updates"][0]["is_draft"]
    one = f"public-incidents/{made['id']}/updates/{made['updates'][0]['id']}"
    assert api("PATCH", one, {"text": "We look into it."})[1]["at"] is None
    waits = api("PATCH", one, {"publish_at": moment(1)})[1]
    assert waits["publish_at"] and not waits["is_draft"]
    assert api("PATCH", one, {"publish_at": moment(-1)})[0] == 400
    published = api("PATCH", one, {"publish": True})[1]
    assert published["at"] and published["publish_at"] is None
    assert api("GET", f"public-incidents/{made['id']}")[1]["published_at"]
    assert api("DELETE", one)[0] == 400


def test_an_edit_keeps_what_was_said_for_the_team(api: Api, page: Any) -> None:
    made = told(api, page)
    one = f"public-incidents/{made['id']}/updates/{made['updates'][0]['id']}"
    status, edited = api("PATCH", one, {"text": "We look into it."})
    assert status == 200 and edited["edited_at"] and [each["text"] for each in edited["earlier"]] == ["We look."]
    assert "state" in api("PATCH", one, {"state": "resolved"})[1]
    assert len(api("PATCH", one, {"text": "We look into it."})[1]["earlier"]) == 1


def test_a_draft_is_deleted(api: Api, page: Any) -> None:
    made = told(api, page)
    draft = api(
        "POST", f"public-incidents/{made['id']}/updates", {"state": "identified", "text": "x", "is_draft": True}
    )[1]
    assert api("DELETE", f"public-incidents/{made['id']}/updates/{draft['id']}")[0] == 204
    assert len(api("GET", f"public-incidents/{made['id']}")[1]["updates"]) == 1


def test_a_postmortem_comes_after_the_end(api: Api, page: Any) -> None:
    made = told(api, page)
    path = f"public-incidents/{made['id']}/postmortem"
    assert "postmortem" in api("POST", path, {"text": "Why."})[1]
    api("POST", f"public-incidents/{made['id']}/updates", {"state": "resolved", "text": "Over."})
    assert api("POST", path, {"text": "Why.", "is_draft": True})[1] == {"text": "Why.", "at": None}
    assert api("POST", path, {"text": "Why."})[1]["at"]
    assert api("GET", f"public-incidents/{made['id']}")[1]["postmortem"] == "Why."
    assert api("POST", path, {"text": ""})[1] == {"text": "", "at": None}


def test_maintenance_is_planned_moved_and_completed(api: Api, page: Any) -> None:
    wanted = {
        "page": page["id"], "title": "New disks", "text": "Chat stops.", "starts_at": moment(1), "ends_at": moment(2),
        "components": [page["components"][0]["id"]], "silences": True,
    }  # fmt: skip
    status, made = api("POST", "scheduled-maintenances", wanted)
    assert status == 201 and (made["state"], made["is_automatic"]) == ("scheduled", True), made
    assert Silence.objects.get(public_id=made["silence"]).excludes
    one = f"scheduled-maintenances/{made['id']}"
    assert api("PATCH", one, {"ends_at": moment(3), "title": "Disks"})[1]["title"] == "Disks"
    assert "ends_at" in api("PATCH", one, {"ends_at": moment(0.5)})[1]
    assert "silences" in api("POST", "scheduled-maintenances", {**wanted, "components": []})[1]
    assert "starts_at" in api("POST", "scheduled-maintenances", {**wanted, "starts_at": moment(-1)})[1]
    assert "state" in api("POST", f"{one}/updates", {"state": "resolved", "text": "x"})[1]
    assert api("POST", f"{one}/updates", {"state": "completed", "text": "Done."})[0] == 201
    assert "state" in api("POST", f"{one}/updates", {"state": "in_progress", "text": "x"})[1]
    assert "ends_at" in api("PATCH", one, {"ends_at": moment(5)})[1]
    assert api("GET", "public-incidents")[1]["results"] == []
    assert api("GET", f"public-incidents/{made['id']}")[0] == 404
    assert api("DELETE", one)[0] == 204 and not PublicIncident.objects.exists()


def test_rules_and_templates_are_of_their_team(api: Api, page: Any) -> None:
    component = page["components"][0]["id"]
    rule = {"component": component, "title": "Down", "text": "We look.", "closing_text": "Over.", "after_s": 60}
    status, made = api("POST", "publication-rules", rule)
    assert status == 201 and made["kind"] == "outage" and api("POST", "publication-rules", rule)[0] == 409
    assert api("PATCH", f"publication-rules/{made['id']}", {"enabled": False})[1]["enabled"] is False
    assert "after_s" in api("PATCH", f"publication-rules/{made['id']}", {"after_s": 86_401})[1]
    template = {"name": "First", "text": "We look.", "page": page["id"], "components": [component]}
    status, kept = api("POST", "update-templates", template)
    assert status == 201 and kept["components"] == [component]
    assert api("PATCH", f"update-templates/{kept['id']}", {"page": None})[1]["components"] == []
    stranger = Api(Team.objects.create(name="Other", slug="other"))
    for path, body in (("publication-rules", rule), ("update-templates", template)):
        assert stranger("GET", path)[1]["results"] == [] and stranger("POST", path, body)[0] == 400


def test_publishing_needs_the_right_to(api: Api, page: Any) -> None:
    publisher = Api(default_team(), Scope.PUBLISH)
    made = told(publisher, page)
    assert publisher("GET", "public-incidents")[0] == 403
    for scope in (Scope.READ, Scope.RESPOND, Scope.PING):
        refused = Api(default_team(), scope)
        update = f"public-incidents/{made['id']}/updates"
        assert refused("POST", update, {"state": "resolved", "text": "x"})[0] == 403
        one = f"{update}/{made['updates'][0]['id']}"
        assert refused("PATCH", one, {"text": "x"})[0] == refused("DELETE", one)[0] == 403
    rule = {"component": page["components"][0]["id"], "title": "t", "text": "x", "closing_text": "y"}
    assert publisher("POST", "publication-rules", rule)[0] == 403

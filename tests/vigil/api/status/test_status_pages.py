"""Status pages over the API: made, checked, told; nothing across teams, and no password shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.models import Scope, Team
from vigil.accounts.teams import default_team
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor
from vigil.status.models import PublicUpdate, StatusPage

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(default_team())


@pytest.fixture
def monitor() -> Monitor:
    return create_monitor(default_team(), {"name": "m", "kind": "http", "config": {"url": "https://example.com/"}})


def made(api: Api, monitor: Monitor, **more: Any) -> Any:
    components = [{"name": "Chat", "group": "AI", "monitor": monitor.public_id}, {"name": "All", "tag": "shop"}]
    status, page = api("POST", "status-pages", {"slug": "acme", "title": "Acme", "components": components, **more})
    assert status == 201, page
    return page


def test_a_page_is_made_read_changed_and_removed(api: Api, monitor: Monitor) -> None:
    page = made(api, monitor)
    assert page["address"].endswith("/status/acme") and [one["name"] for one in page["components"]] == ["Chat", "All"]
    assert page["components"][0]["id"].startswith("com_") and page["visibility"] == "public"
    kept = [page["components"][0]]
    changed = api("PATCH", f"status-pages/{page['id']}", {"title": "Acme Cloud", "components": kept})
    assert changed[0] == 200 and changed[1]["components"] == kept, changed
    assert api("GET", "status-pages?enabled=true")[1]["results"] == [changed[1]]
    assert api("DELETE", f"status-pages/{page['id']}")[0] == 204 and not StatusPage.objects.exists()


def test_a_password_is_kept_as_a_hash_and_shown_to_none(api: Api, monitor: Monitor) -> None:
    page = made(api, monitor, visibility="password", password="long enough secret")
    assert "password" not in page and "long enough" not in str(api("GET", "status-pages")[1])
    stored = StatusPage.objects.get()
    assert stored.access.startswith("argon2$") and "secret" not in stored.access
    assert api("PATCH", f"status-pages/{page['id']}", {"title": "x"})[0] == 200
    assert StatusPage.objects.get().access == stored.access
    assert api("PATCH", f"status-pages/{page['id']}", {"visibility": "public"})[0] == 200
    assert StatusPage.objects.get().access == ""
    assert "password" in api("PATCH", f"status-pages/{page['id']}", {"visibility": "password"})[1]


def test_an_incident_is_told_update_by_update(api: Api, monitor: Monitor) -> None:
    page = made(api, monitor)
    chat = page["components"][0]["id"]
    wanted = {"page": page["id"], "title": "Chat is slow", "impact": "minor", "components": [chat]}
    assert "text" in api("POST", "public-incidents", wanted)[1]
    status, told = api("POST", "public-incidents", {**wanted, "text": "We look into it."})
    assert status == 201 and told["state"] == "investigating" and told["components"] == [chat], told
    updates = f"public-incidents/{told['id']}/updates"
    assert api("POST", updates, {"state": "resolved", "text": "Over."})[0] == 201
    assert api("POST", updates, {"state": "resolved", "text": "Over."})[0] == 201
    seen = api("GET", f"public-incidents/{told['id']}")[1]
    assert [one["text"] for one in seen["updates"]] == ["We look into it.", "Over."] and seen["resolved_at"]
    assert api("PATCH", f"public-incidents/{told['id']}", {"title": "Chat was slow"})[1]["title"] == "Chat was slow"
    refused = api("PATCH", f"public-incidents/{told['id']}", {"state": "monitoring", "text": "x"})
    assert refused[0] == 400 and set(refused[1]) == {"state", "text"}
    assert api("GET", "public-incidents?state=resolved")[1]["results"]
    assert api("DELETE", f"public-incidents/{told['id']}")[0] == 204 and not PublicUpdate.objects.exists()


def test_another_team_sees_and_names_none_of_it_and_a_reader_publishes_nothing(api: Api, monitor: Monitor) -> None:
    page = made(api, monitor)
    told = {"page": page["id"], "title": "t", "text": "x", "components": [page["components"][0]["id"]]}
    incident = api("POST", "public-incidents", told)[1]
    stranger = Api(Team.objects.create(name="Other", slug="other"))
    for path in ("status-pages", "public-incidents"):
        assert stranger("GET", path)[1]["results"] == []
    assert stranger("GET", f"status-pages/{page['id']}")[0] == 404
    assert stranger("POST", f"public-incidents/{incident['id']}/updates", {"state": "resolved", "text": "x"})[0] == 404
    assert set(stranger("POST", "public-incidents", told)[1]) == {"page", "components"}
    component = {"slug": "theirs", "title": "Theirs", "components": [{"name": "x", "monitor": monitor.public_id}]}
    assert set(stranger("POST", "status-pages", component)[1]) == {"components"}
    assert set(stranger("POST", "status-pages", {"slug": "acme", "title": "Theirs"})[1]) == {"slug"}
    for scope in (Scope.READ, Scope.RESPOND):
        assert Api(default_team(), scope)("POST", "public-incidents", told)[0] == 403


def test_a_monitor_on_a_page_is_not_deleted_by_the_way(api: Api, monitor: Monitor) -> None:
    page = made(api, monitor)
    refused = api("DELETE", f"monitors/{monitor.public_id}")
    chat = page["components"][0]["id"]
    assert refused[0] == 409 and f"status page component Chat ({chat})" in refused[1]["detail"], refused
    assert api("DELETE", f"monitors/{monitor.public_id}?force=true")[0] == 204

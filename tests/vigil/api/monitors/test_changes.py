"""History of changes: who changed which fields of a monitor, by API, admin and command line; never what they hold."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.models import Membership, Role, Scope, Team, User
from vigil.accounts.teams import default_team
from vigil.cli import main
from vigil.monitors.changes import create_monitor, update_monitor
from vigil.monitors.cost_pauses import pause_billed
from vigil.monitors.models import Monitor, MonitorChange, Region

pytestmark = pytest.mark.django_db

HTTP: dict[str, Any] = {"name": "shop", "kind": "http", "config": {"url": "https://shop.test/health"}}


def told(monitor: Monitor) -> list[tuple[str, str, str, list[str]]]:
    return [(one.author, one.via, one.action, one.fields) for one in monitor.changes.order_by("id")]


def test_each_change_over_the_api_says_who_made_it_and_in_which_fields() -> None:
    ann = User.objects.create_user("ann")
    Membership.objects.create(user=ann, team=default_team(), role=Role.MEMBER)
    api, shared = Api(default_team(), Scope.WRITE, user=ann), Api(default_team())
    _, made = api("POST", "monitors", {**HTTP, "secrets": {"bearer": "hush"}, "regions": []})
    path = f"monitors/{made['id']}"
    shared("PATCH", path, {"interval_s": 30, "name": "shop", "secrets": {"bearer": "hush-2"}})
    shared("PATCH", path, {"interval_s": 30})
    api("POST", f"{path}/pause")
    code, page = api("GET", f"{path}/changes?limit=2")
    assert code == 200 and page["next"]
    assert [(row["author"], row["via"], row["fields"]) for row in page["results"]] == [
        ("ann", "API", ["paused"]), ("t", "API", ["interval_s", "secrets"]),
    ]  # fmt: skip
    monitor = Monitor.objects.get()
    assert told(monitor)[0][:3] == ("ann", "API", "created")
    assert "hush" not in str(list(MonitorChange.objects.values()))
    api("DELETE", path)
    assert told(monitor)[-1] == ("ann", "API", "deleted", [])
    assert Api(Team.objects.create(name="b", slug="b"))("GET", f"{path}/changes")[0] == 404


def test_the_command_line_names_its_user_and_lists_the_changes(capsys: pytest.CaptureFixture[str]) -> None:
    monitor = create_monitor(default_team(), {**HTTP, "regions": []})
    assert main(["monitor", "pause", "shop"]) == 0
    assert [row[1] for row in told(monitor)] == ["", "command line"]
    capsys.readouterr()
    assert main(["monitor", "changes", "shop"]) == 0
    newest, oldest = capsys.readouterr().out.splitlines()[-2:]
    assert "(command line)" in newest and newest.endswith("paused")
    assert "Vigil" in oldest and "created" in oldest


def test_the_admin_names_its_user_and_shows_the_changes(admin_client: Any) -> None:
    monitor = create_monitor(default_team(), {**HTTP, "regions": []})
    asked = {"action": "pause", "_selected_action": [monitor.pk]}
    admin_client.post("/admin/monitors/monitor/", asked)
    assert told(monitor)[-1] == ("admin", "web", "changed", ["paused"])
    page = admin_client.get(f"/admin/monitors/monitor/{monitor.pk}/change/").content.decode()
    assert "admin web" in page


def test_what_vigil_does_itself_is_its_own_and_old_changes_go() -> None:
    region = Region.objects.create(slug="eu", domain="aws")
    monitor = create_monitor(default_team(), {**HTTP, "regions": [region]})
    assert pause_billed(monitor.public_id, region.pk)
    assert told(monitor)[-1] == ("Vigil", "", "changed", ["paused"])
    Monitor.objects.update(revision=MonitorChange.KEPT + MonitorChange.DROPPED_EVERY - 1)
    update_monitor(monitor, {"interval_s": 45})
    assert [row[3] for row in told(monitor)] == [["interval_s"]]

"""Composites over the API: made, read, changed, refused with a clear line, and never seen by another team."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.monitors.changes import create_monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(default_team())


def monitor(name: str, team: Team | None = None) -> str:
    wanted = {"name": name, "kind": "http", "config": {"url": "https://example.test/"}}
    return create_monitor(team or default_team(), wanted).public_id


def test_a_chain_is_made_read_changed_and_deleted(api: Api) -> None:
    primary, spare = monitor("openai"), monitor("anthropic")
    members = [{"monitor": primary, "group": "chat"}, {"monitor": spare, "rank": 1}]
    status, made = api("POST", "composites", {"name": "chat", "rule": "chain", "members": members, "tags": ["ai"]})
    assert status == 201, made
    assert [(one["monitor"], one["name"], one["rank"]) for one in made["members"]] == [
        (primary, "openai", 0),
        (spare, "anthropic", 1),
    ]
    assert (made["rule"], made["status"], made["tags"]) == ("chain", "unknown", ["ai"])
    # It is a monitor like any other, so that routes, silences and other composites may name it.
    assert api("GET", f"monitors/{made['id']}")[1]["kind"] == "composite"
    path = f"composites/{made['id']}"
    changed = api("PATCH", path, {"rule": "at_least", "k": 2, "name": "both"})[1]
    assert (changed["rule"], changed["k"], changed["name"], len(changed["members"])) == ("at_least", 2, "both", 2)
    assert api("GET", "composites")[1]["results"][0]["id"] == made["id"]
    assert api("DELETE", path)[0] == 204
    assert api("GET", path)[0] == 404


def test_a_circle_is_refused_with_the_way_round(api: Api) -> None:
    inner = api("POST", "composites", {"name": "in", "rule": "any", "members": [{"monitor": monitor("m")}]})[1]
    outer = api("POST", "composites", {"name": "out", "rule": "any", "members": [{"monitor": inner["id"]}]})[1]
    status, refused = api("PATCH", f"composites/{inner['id']}", {"members": [{"monitor": outer["id"]}]})
    assert (status, refused) == (400, {"members": ["This would create a cycle: in contains out contains in."]})


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"rule": "most"}, "rule"),
        ({"members": []}, "members"),
        ({"members": [{"monitor": "mon_0000000000000000"}]}, "members"),
        ({"members": [{"rank": 0}]}, "members"),
        ({"members": "all"}, "members"),
        ({"rule": "at_least", "k": 9}, "k"),
        ({"name": ""}, "name"),
    ],
)
def test_what_cannot_be_is_refused_by_field(api: Api, wanted: dict[str, Any], field: str) -> None:
    body = {"name": "x", "rule": "any", "members": [{"monitor": monitor("m")}], **wanted}
    status, refused = api("POST", "composites", body)
    assert status == 400 and set(refused) == {field}, refused


def test_another_teams_monitors_and_composites_are_not_there(api: Api) -> None:
    foreign = Team.objects.create(name="Other", slug="other")
    theirs = monitor("theirs", foreign)
    assert api("POST", "composites", {"name": "x", "rule": "any", "members": [{"monitor": theirs}]})[0] == 400
    made = Api(foreign)("POST", "composites", {"name": "x", "rule": "any", "members": [{"monitor": theirs}]})[1]
    assert api("GET", f"composites/{made['id']}")[0] == 404
    assert api("PATCH", f"composites/{made['id']}", {"name": "y"})[0] == 404

"""Documents for programs have the fields of Statuspage's public ones, whatever the page shows.

The fields are those of what public pages answer at `/api/v2/`, as their own API pages print them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vigil.status.facts import FRAME, component, incident, page
from vigil.feeds.core.page import Component, ComponentState, PostState, declared
from vigil.feeds.formats import parse
from vigil.read_models.core.shown_states import ShownState
from vigil.status.core.document import project
from vigil.status.core.facts import PageFacts
from vigil.status.core.states import UpdateState

PAGE = {"id", "name", "url", "time_zone", "updated_at"}
COMPONENT = {
    "id", "name", "status", "created_at", "updated_at", "position", "description", "showcase", "start_date",
    "group_id", "page_id", "group", "only_show_if_degraded",
}  # fmt: skip
INCIDENT = {
    "id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact", "shortlink",
    "started_at", "page_id", "incident_updates", "components",
}  # fmt: skip
UPDATE = {
    "id", "status", "body", "incident_id", "created_at", "updated_at", "display_at", "affected_components",
    "deliver_notifications", "custom_tweet", "tweet_id",
}  # fmt: skip
#: What each document has beside `page`.
DOCUMENTS = {
    "summary": {"components", "incidents", "scheduled_maintenances", "status"},
    "status": {"status"},
    "components": {"components"},
    "incidents": {"incidents"},
    "incidents/unresolved": {"incidents"},
    "scheduled-maintenances": {"scheduled_maintenances"},
    "scheduled-maintenances/active": {"scheduled_maintenances"},
    "scheduled-maintenances/upcoming": {"scheduled_maintenances"},
}
FACTS = page(
    component("Chat API", ShownState.DOWN, group="AI"),
    component("Search", group="AI", position=1),
    component("Console", position=2),
    incidents=[incident(), incident(UpdateState.MONITORING, UpdateState.RESOLVED)],
)


def document(facts: PageFacts, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project(facts, FRAME).files[f"api/v2/{name}.json"].plain)
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_document_has_what_statuspage_has(name: str) -> None:
    found = document(FACTS, name)
    assert found.keys() == {"page"} | DOCUMENTS[name] and found["page"].keys() == PAGE
    for one in found.get("components", []):
        assert one.keys() - {"components"} == COMPONENT
    for one in found.get("incidents", []):
        assert one.keys() == INCIDENT and all(each.keys() == UPDATE for each in one["incident_updates"])
        assert all(each.keys() == COMPONENT for each in one["components"])
    if "status" in found:
        assert found["status"].keys() == {"indicator", "description"}
        assert found["status"]["indicator"] in ("none", "minor", "major", "critical")


def test_a_group_is_a_component_that_names_its_members_as_they_name_it() -> None:
    group, chat, search, console = document(FACTS, "components")["components"]
    assert group["group"] and group["components"] == [chat["id"], search["id"]] and group["status"] == "major_outage"
    assert {chat["group_id"], search["group_id"]} == {group["id"]} and console["group_id"] is None
    assert [one["position"] for one in (group, chat, search, console)] == [1, 2, 3, 4]


def test_unresolved_incidents_are_the_open_ones() -> None:
    assert [one["status"] for one in document(FACTS, "incidents/unresolved")["incidents"]] == ["investigating"]
    assert [one["status"] for one in document(FACTS, "incidents")["incidents"]] == ["investigating", "resolved"]


def test_our_reader_of_feeds_follows_a_page_by_its_bytes_alone() -> None:
    made = project(FACTS, FRAME)
    name, read = parse(made.files["api/v2/summary.json"].plain, FACTS.now)
    assert name == "statuspage" and [one.state for one in read.posts] == [PostState.OPEN]
    assert read.components == (
        Component("Chat API", ComponentState.DOWN), Component("Search", ComponentState.WELL),
        Component("Console", ComponentState.WELL),
    )  # fmt: skip
    assert {one.title for one in declared(read, ["chat"])} == {"Chat API refuses connections", "Chat API: outage"}
    name, read = parse(made.files["history.atom"].plain, FACTS.now)
    assert name == "rss" and {one.title for one in read.posts} == {"Chat API refuses connections"}

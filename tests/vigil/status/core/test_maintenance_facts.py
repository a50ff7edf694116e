"""Planned maintenance is shown ahead, is the state of what it names while it lasts, and is no failure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.vigil.status.facts import FRAME, NOW, component, down_for, incident, page
from vigil.history.core.uptime import maintained
from vigil.read_models.core.shown_states import ShownState
from vigil.status.core.document import project
from vigil.status.core.facts import PageFacts, PublicIncidentFacts
from vigil.status.core.figures import uptime_of
from vigil.status.core.states import PublicImpact, PublicState, UpdateState

HOUR = timedelta(hours=1)


def planned(*states: UpdateState, begins: timedelta = HOUR, **more: Any) -> PublicIncidentFacts:
    starts_at = NOW + begins
    made = incident(*(states or (UpdateState.SCHEDULED,)), title="New disks", impact=PublicImpact.NONE)
    return replace(made, id="pin_2", started_at=starts_at, planned=(starts_at, starts_at + 2 * HOUR), **more)


def document(facts: PageFacts, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project(facts, FRAME).files[f"api/v2/{name}.json"].plain)
    return found


BEGUN = (UpdateState.SCHEDULED, UpdateState.IN_PROGRESS)


@pytest.mark.parametrize("shown", [ShownState.UP, ShownState.DOWN])
def test_a_component_is_in_maintenance_from_its_beginning_to_its_end_whatever_is_measured(shown: ShownState) -> None:
    ahead = page(component("Chat API", shown), incidents=[planned()])
    assert ahead.state is not PublicState.MAINTENANCE
    begun = replace(ahead, incidents=[planned(*BEGUN, begins=-HOUR)])
    assert begun.state is PublicState.MAINTENANCE
    over = replace(ahead, incidents=[planned(*BEGUN, UpdateState.COMPLETED, begins=-HOUR)])
    assert over.state is ahead.state


def test_an_incident_says_more_of_a_component_than_its_maintenance() -> None:
    both = page(incidents=[planned(*BEGUN, begins=-HOUR), incident(impact=PublicImpact.CRITICAL)])
    assert both.state is PublicState.MAJOR_OUTAGE and [one.id for one in both.open_incidents] == ["pin_1"]


def test_maintenance_of_the_page_as_a_whole_is_the_state_of_the_page() -> None:
    assert page(incidents=[planned(*BEGUN, components=frozenset())]).state is PublicState.MAINTENANCE


def test_documents_tell_maintenance_where_statuspage_does_and_nowhere_else() -> None:
    facts = page(incidents=[planned(), replace(planned(*BEGUN, begins=-HOUR), id="pin_3"), incident()])
    ids = {
        name: [one["id"] for one in document(facts, name)[field]]
        for name, field in (
            ("summary", "scheduled_maintenances"), ("scheduled-maintenances", "scheduled_maintenances"),
            ("scheduled-maintenances/active", "scheduled_maintenances"),
            ("scheduled-maintenances/upcoming", "scheduled_maintenances"), ("incidents", "incidents"),
        )
    }  # fmt: skip
    assert ids == {
        "summary": ["pin_3", "pin_2"], "scheduled-maintenances": ["pin_2", "pin_3"],
        "scheduled-maintenances/active": ["pin_3"], "scheduled-maintenances/upcoming": ["pin_2"],
        "incidents": ["pin_1"],
    }  # fmt: skip
    one = document(facts, "scheduled-maintenances/upcoming")["scheduled_maintenances"][0]
    assert (one["impact"], one["status"], one["scheduled_for"], one["scheduled_until"]) == (
        "maintenance", "scheduled", "2026-11-29T15:09:00.000Z", "2026-11-29T17:09:00.000Z",
    )  # fmt: skip
    assert one["created_at"] < one["scheduled_for"]


def test_the_feed_tells_maintenance_with_its_window_when_it_is_announced() -> None:
    feed = ElementTree.fromstring(project(page(incidents=[planned()]), FRAME).files["history.atom"].plain)
    entry = feed.find("{http://www.w3.org/2005/Atom}entry")
    assert entry is not None
    said = entry.findtext("{http://www.w3.org/2005/Atom}content") or ""
    assert "Planned from 29 Nov 2026 15:09 UTC to 29 Nov 2026 17:09 UTC." in said
    assert (entry.findtext("{http://www.w3.org/2005/Atom}published") or "") < "2026-11-29T14:09"


def test_time_in_maintenance_is_no_downtime() -> None:
    down = down_for(component(), 2 * HOUR)
    end = int(NOW.timestamp())
    half = [maintained(one, [(end - 3600, end)]) for one in down.spans]
    assert (uptime_of(down.spans, NOW).down_s, uptime_of(half, NOW).down_s) == (7200, 3600)
    assert uptime_of(half, NOW).maintenance_s == 3600


def test_a_published_postmortem_is_an_update_for_programs() -> None:
    over = incident(UpdateState.INVESTIGATING, UpdateState.RESOLVED)
    told = replace(over, postmortem="A disk was full.", postmortem_at=NOW)
    one = document(page(incidents=[told]), "incidents")["incidents"][0]
    assert one["status"] == "postmortem" and one["incident_updates"][0]["body"] == "A disk was full."
    # No subscriber gets a letter of it.
    assert [each["deliver_notifications"] for each in one["incident_updates"]] == [False, True, True]
    assert one["resolved_at"] and one["updated_at"] == "2026-11-29T14:09:00.000Z"
    feed = project(page(incidents=[told]), FRAME).files["history.atom"].plain.decode()
    assert "Postmortem" in feed and "A disk was full." in feed


def test_programs_are_told_the_fifty_newest_incidents_also_those_that_the_page_shows_no_more() -> None:
    over = incident(UpdateState.INVESTIGATING, UpdateState.RESOLVED)
    older = [replace(over, id=f"pin_x{back:02}", started_at=NOW - back * 24 * HOUR) for back in range(20, 80)]
    facts = page(incidents=[over], earlier=[*older, replace(planned(), id="pin_p", updates=over.updates)])
    told = document(facts, "incidents")["incidents"]
    assert [one["id"] for one in told] == ["pin_1", *(f"pin_x{back}" for back in range(20, 69))]
    assert [one["id"] for one in document(facts, "scheduled-maintenances")["scheduled_maintenances"]] == ["pin_p"]


def test_an_edit_is_a_change_and_its_time_is_told() -> None:
    plain = incident()
    edited = replace(plain, updates=[replace(plain.updates[0], text="Better.", edited_at=NOW)])
    one = document(page(incidents=[edited]), "incidents")["incidents"][0]
    assert one["incident_updates"][0]["updated_at"] == one["updated_at"] == "2026-11-29T14:09:00.000Z"
    assert one["incident_updates"][0]["created_at"] < one["updated_at"]


def text_of(facts: PageFacts, path: str = "") -> str:
    return project(facts, FRAME).files[path].plain.decode()


def test_maintenance_stands_on_the_page_ahead_and_on_top_while_it_lasts() -> None:
    ahead = text_of(page(incidents=[planned()]))
    assert "Planned maintenance" in ahead and ahead.index("Planned from") > ahead.index("Chat API")
    assert "29 Nov 2026 15:09</time> UTC to " in ahead
    begun = text_of(page(incidents=[planned(*BEGUN, begins=-HOUR)]))
    assert begun.index("Planned from") < begun.index('<li class="comp">') and 'id="planned"' not in begun
    assert "Planned from 29 Nov 2026 15:09 UTC" in text_of(page(incidents=[planned()]), "index.md")


def test_each_incident_has_a_page_of_its_own_with_its_postmortem_also_an_older_one() -> None:
    over = incident(UpdateState.INVESTIGATING, UpdateState.RESOLVED)
    told = replace(over, postmortem="A **disk** was full.", postmortem_at=NOW)
    facts = page(incidents=[told], earlier=[replace(over, id="pin_0", title="Older")])
    own = text_of(facts, "incidents/pin_1")
    assert "<strong>disk</strong>" in own and own.count("<h1") == 1 and "Words of investigating." in own
    assert "Older" in text_of(facts, "incidents/pin_0") and "Older" not in text_of(facts)
    assert "disk" not in text_of(facts) and "/incidents/pin_1#postmortem" in text_of(facts)
    assert project(facts, FRAME).files["incidents/pin_1"].content_type.startswith("text/html")


def test_an_edit_is_shown_with_its_time_only() -> None:
    plain = incident()
    edited = replace(plain, updates=[replace(plain.updates[0], text="Better.", edited_at=NOW)])
    assert "edited <time" in text_of(page(incidents=[edited])) and "edited <time" not in text_of(
        page(incidents=[plain])
    )

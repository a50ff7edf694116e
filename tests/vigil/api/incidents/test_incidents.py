"""Incidents over the API: evidence in words and in full, decided again, notes, steps by pages, and filters."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.consensus.examples import FIVE_REGIONS
from tests.vigil.api.caller import Api
from tests.vigil.incidents.decided import decided_incident
from vigil.accounts.models import Scope, Team
from vigil.accounts.teams import default_team
from vigil.incidents.models import Incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident() -> Incident:
    return decided_incident(default_team())


@pytest.fixture
def api() -> Api:
    return Api(default_team())


def test_the_evidence_is_shown_as_an_alert_shows_it_and_in_full(incident: Incident, api: Api) -> None:
    code, found = api("GET", f"incidents/{incident.public_id}/evidence")
    assert (code, found["status"], found["step"]) == (200, "down", 1)
    assert len(found["lines"]) == len(FIVE_REGIONS)
    assert any("down, timed out" in line for line in found["lines"])
    assert {vote["region"] for vote in found["votes"]} == set(FIVE_REGIONS)
    Incident.objects.get(pk=incident.pk).transitions.filter(seq=1).delete()
    assert api("GET", f"incidents/{incident.public_id}/evidence")[0] == 404


def test_its_steps_are_decided_again_and_as_supposed(incident: Incident, api: Api) -> None:
    path = f"incidents/{incident.public_id}/replay"
    _, found = api("GET", path)
    [step] = found["steps"]
    assert (found["same"], step["seq"], step["replayed"]["status"], step["supposed"]) == (True, 1, "down", None)
    _, supposed = api("GET", f"{path}?regions=us-west,us-east,ap-south&sensitivity=high&step=1")
    assert (supposed["steps"][0]["supposed"]["n"], supposed["steps"][0]["supposed"]["status"]) == (3, "down")
    for wrong in ("regions=mars", "sensitivity=huge", "step=one", "regions=a&without=b"):
        assert api("GET", f"{path}?{wrong}")[0] == 400, wrong


def test_notes_and_steps_are_listed_and_a_responder_writes_notes_and_reads_none(incident: Incident, api: Api) -> None:
    path = f"incidents/{incident.public_id}"
    responder = Api(default_team(), Scope.RESPOND)
    assert responder("POST", f"{path}/acknowledge")[0] == 200
    assert responder("POST", f"{path}/notes", {"text": "the load balancer"})[0] == 200
    assert responder("GET", f"{path}/notes")[0] == 403
    assert responder("POST", f"{path}/take-back")[0] == 403
    [note] = api("GET", f"{path}/notes")[1]["results"]
    assert (note["text"], note["actor"]) == ("the load balancer", "t (API)")
    _, page = api("GET", f"{path}/transitions?limit=2")
    assert [row["step"] for row in page["results"]] == ["note", "acknowledged"]
    assert page["next"]


def test_incidents_are_found_by_state_and_by_when_they_ended(incident: Incident, api: Api) -> None:
    def ids(query: str) -> list[str]:
        return [row["id"] for row in api("GET", f"incidents?{query}")[1]["results"]]

    assert (ids("state=open"), ids("state=acknowledged")) == ([incident.public_id], [])
    api("POST", f"incidents/{incident.public_id}/acknowledge")
    assert (ids("state=open"), ids("state=acknowledged")) == ([], [incident.public_id])
    api("POST", f"incidents/{incident.public_id}/snooze", {"minutes": 5})
    assert (ids("state=acknowledged"), ids("state=snoozed")) == ([], [incident.public_id])
    now = timezone.now()
    Incident.objects.update(resolved_at=now)
    assert ids("state=resolved") == [incident.public_id]
    before, after = ((now + timedelta(hours=h)).strftime("%Y-%m-%dT%H:%M:%SZ") for h in (-1, 1))
    assert ids(f"resolved_after={before}&resolved_before={after}") == [incident.public_id]
    assert ids(f"resolved_after={after}") == []


def test_another_team_reads_nothing_of_it(incident: Incident) -> None:
    stranger = Api(Team.objects.create(name="b", slug="b"))
    for part in ("evidence", "replay", "notes", "transitions"):
        assert stranger("GET", f"incidents/{incident.public_id}/{part}")[0] == 404

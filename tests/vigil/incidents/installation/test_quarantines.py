"""Regions in quarantine as incidents: one for each, and one for all that have lost their way together."""

from __future__ import annotations

import pytest

from consensus.lost_way.law import decide
from consensus.lost_way.wording import lost_together
from consensus.proof import ComparedRow, from_evidence
from consensus.verdicts import Quarantine
from consensus.vocabulary import Exclusion
from vigil.alerts.core.routes import Severity
from vigil.alerts.routing.rules import subject
from vigil.cli.monitors.replay_lost_way import replay_lost_way
from vigil.incidents.installation.quarantines import LOST_WAY, note_quarantines
from vigil.incidents.models import Incident, Transition
from vigil.simulation.worlds.scenario import FIVE_REGIONS

pytestmark = pytest.mark.django_db

SEEING = ["us-east", "us-west"]
LOST = ["ap-south", "eu-north", "eu-west"]
T0 = 1_800_000_000_000


def lost_together_now() -> list[Quarantine]:
    rows = [ComparedRow(f"mon_{n}", [f"domain:{n}.test"], LOST, SEEING) for n in range(8)]
    found = decide(rows, FIVE_REGIONS)
    assert found is not None
    return [
        Quarantine(1, region, T0, Exclusion.LOST_WAY, lost_together(region, found), LOST, SEEING, found)
        for region in LOST
    ]


def sick(region: str) -> Quarantine:
    return Quarantine(1, region, T0, Exclusion.SICK, f"Region {region} fails alone.")


def test_issue13_8_regions_that_are_lost_together_are_one_incident_that_opens_and_ends_once() -> None:
    told: list[Transition] = []
    for _ in range(2):
        note_quarantines(lost_together_now(), told.append)
    note_quarantines(lost_together_now()[:1], told.append)
    for _ in range(2):
        note_quarantines([], told.append)

    assert [(step.step, step.incident.kind, step.reason) for step in told] == [
        ("opened", "regional", "regions_lost"),
        ("resolved", "regional", "regions_found"),
    ]
    assert told[0].incident.title == "3 of 5 regions lost their way: what is seen from the 2 others is well"
    assert "8 monitors of 8 unrelated sites" in told[0].text
    assert "a minimum of two votes" in told[0].text
    assert from_evidence(told[0].evidence).lost == LOST


def test_regions_that_were_sick_before_join_and_are_not_said_to_be_well() -> None:
    told: list[Transition] = []
    note_quarantines([sick("eu-west")], told.append)
    note_quarantines(lost_together_now(), told.append)

    assert [(step.step, step.incident.cause_key) for step in told] == [
        ("opened", "sick:eu-west"),
        ("opened", LOST_WAY),
        ("resolved", "sick:eu-west"),
    ]
    assert "one incident tells of all of them" in told[2].text


def test_it_pages_without_a_route_that_names_it_and_has_a_severity_of_its_own() -> None:
    told: list[Transition] = []
    note_quarantines(lost_together_now(), told.append)
    incident = told[0].incident
    routed = subject(incident.kind, None, incident.cause_key)

    assert routed.pages
    assert routed.severity is Severity.CRITICAL
    assert not subject("regional", None).pages


def test_its_replay_finds_the_same_regions_again(capsys: pytest.CaptureFixture[str]) -> None:
    note_quarantines(lost_together_now(), lambda step: None)
    incident = Incident.objects.get(cause_key=LOST_WAY)

    assert replay_lost_way(incident.public_id, as_json=False) == 0
    assert "Decided again from these rows: the same." in capsys.readouterr().out
    step = incident.transitions.get()
    step.evidence["lost_way"]["rows"] = step.evidence["lost_way"]["rows"][:2]
    step.save()
    assert replay_lost_way(incident.public_id, as_json=True) == 1

"""The command `replay`: the votes of an incident, the same decision again, and what others had made of them."""

from __future__ import annotations

import json

import pytest

from tests.consensus.examples import FIVE_REGIONS
from tests.vigil.incidents.decided import decided_incident
from vigil.accounts.teams import default_team
from vigil.cli import main
from vigil.incidents.models import Incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident() -> Incident:
    return decided_incident(default_team())


def test_the_votes_are_shown_and_decide_the_same_again(incident: Incident, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", incident.public_id]) == 0
    shown = capsys.readouterr().out

    assert "checkout is down" in shown
    assert all(region in shown for region in FIVE_REGIONS)
    assert "down timeout" in shown and "counted as failing" in shown and "counted as passing" in shown
    assert "Decided again from these votes: the same." in shown


def test_other_regions_and_sensitivities_are_supposed(incident: Incident, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", incident.public_id, "--without", "ap-south", "--sensitivity", "normal"]) == 0
    shown = capsys.readouterr().out
    assert "Under sensitivity normal; without ap-south: not decided yet." in shown
    assert "Not decided: normal wants 2 looks, and this round had 1." in shown

    assert main(["replay", incident.public_id, "--regions", "us-west,us-east,ap-south", "--json"]) == 0
    (step,) = json.loads(capsys.readouterr().out)["steps"]
    assert (step["same"], step["supposed"]["status"], step["supposed"]["n"]) == (True, "down", 3)
    assert {vote["region"] for vote in step["votes"]} == set(FIVE_REGIONS)


def test_evidence_that_was_changed_is_told_and_fails(incident: Incident, capsys: pytest.CaptureFixture[str]) -> None:
    step = incident.transitions.get(seq=1)
    step.evidence["votes"][0]["status"] = "up"
    step.evidence["votes"][0]["reason"] = "ok"
    step.save()

    assert main(["replay", incident.public_id]) == 1
    assert "NOT the same!" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["inc_nowhere"], "there is no incident `inc_nowhere`"),
        (["{id}", "--step", "2"], "step 2 has no stored votes"),
        (["{id}", "--without", "mars"], "no region mars in this round"),
    ],
)
def test_what_cannot_be_replayed_is_said_in_one_line(
    incident: Incident, arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", *(each.format(id=incident.public_id) for each in arguments)]) == 2
    assert problem in capsys.readouterr().err

"""How the demo speaks: lines, the ballot and the closing words."""

from __future__ import annotations

import io

from vigil.demo.script import Narrator, ballot, closing, line_of
from vigil.demo.story import AlertKind, Chapter, Mark, Seat, SeenAlert, SeenVote, Story

START = 1_700_000_000_000


def test_a_line_has_its_time_from_the_start() -> None:
    assert line_of(Mark(START + 12_340, "it happened"), START) == "    12.3 s  it happened"


def test_the_ballot_has_a_line_a_region() -> None:
    votes = [
        SeenVote("eu-west", "aws", "down", "refused"),
        SeenVote("ap-south", "gcp", "up", "ok", counted=False),
    ]
    assert ballot(SeenAlert(0, AlertKind.TRIGGER, "d", "i", True, votes)) == (
        "    eu-west   aws  DOWN      refused\n    ap-south  gcp  UP        ok  (not counted)"
    )


def test_a_story_that_did_not_hold_says_so_and_why() -> None:
    told = closing(Story(START, [Seat("eu-west", "aws")], [], []))
    assert "The story did NOT hold:\n  - the system did not start" in told


def test_the_narrator_explains_the_wait_for_the_resolve() -> None:
    out = io.StringIO()
    Narrator(out, START).tell(Mark(START, "the provider answers again", Chapter.RECOVERY))
    assert "a resolve takes two passing rounds, a minute or more after the outage was confirmed" in out.getvalue()

"""The judge of the demo: one good story, and every way in which a story can be bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from vigil.demo.story import (
    AlertKind,
    Chapter,
    Mark,
    Seat,
    SeenAlert,
    SeenVote,
    Story,
    alert_of,
    alerts_of,
    broken,
    once_each,
    tell,
)

START = 1_700_000_000_000
SEATS = [
    Seat("eu-west", "aws"),
    Seat("us-east", "aws"),
    Seat("ap-south", "gcp"),
    Seat("us-west", "hetzner"),
    Seat("eu-north", "ovh"),
]
INSTANTS = {
    Chapter.STARTED: 8,
    Chapter.HEALTHY: 11,
    Chapter.BLINDED: 12,
    Chapter.NOTED: 18,
    Chapter.FAULT: 19,
    Chapter.ALERTED: 22,
    Chapter.RECOVERY: 23,
    Chapter.RESOLVED: 83,
    Chapter.QUIET: 85,
}


def ms(second: float) -> int:
    return START + round(second * 1000)


def votes(failing: Sequence[str]) -> list[SeenVote]:
    return [
        SeenVote(seat.region, seat.domain, *(("down", "refused") if seat.region in failing else ("up", "ok")))
        for seat in SEATS
    ]


ALL = [seat.region for seat in SEATS]
TRIGGER = SeenAlert(ms(21.9), AlertKind.TRIGGER, "dlv_1", "inc_1", True, votes(ALL))
RESOLVE = SeenAlert(ms(82.9), AlertKind.RESOLVE, "dlv_2", "inc_1", True, votes([]))
GOOD = Story(
    started_ms=START,
    seats=SEATS,
    marks=[Mark(ms(t), chapter.value, chapter) for chapter, t in INSTANTS.items()],
    alerts=[TRIGGER, RESOLVE],
    first_failure_ms=ms(19.5),
    verdict_ms=ms(21.5),
)


def without(chapter: Chapter) -> list[Mark]:
    return [mark for mark in GOOD.marks if mark.chapter is not chapter]


def test_a_good_story_holds() -> None:
    assert broken(GOOD) == []


BAD = {
    "two triggers": (
        replace(
            GOOD, alerts=[TRIGGER, RESOLVE, SeenAlert(ms(30), AlertKind.TRIGGER, "dlv_9", "inc_2", True, votes(ALL))]
        ),
        "2 triggers",
    ),
    "no trigger": (replace(GOOD, alerts=[], marks=without(Chapter.ALERTED)), "no alert came"),
    "no resolve": (replace(GOOD, alerts=[TRIGGER], marks=without(Chapter.RESOLVED)), "no resolve came"),
    "two resolves": (
        replace(GOOD, alerts=[TRIGGER, RESOLVE, SeenAlert(ms(84), AlertKind.RESOLVE, "dlv_9", "inc_1", True)]),
        "2 resolves",
    ),
    "an alert while blinded": (
        replace(GOOD, alerts=[SeenAlert(ms(15), AlertKind.TRIGGER, "dlv_1", "inc_1", True, votes(ALL)), RESOLVE]),
        "only one region was blinded",
    ),
    "no regional note": (replace(GOOD, marks=without(Chapter.NOTED)), "regional incident"),
    "votes missing": (
        replace(GOOD, alerts=[SeenAlert(ms(21.9), AlertKind.TRIGGER, "dlv_1", "inc_1", True, []), RESOLVE]),
        "no votes",
    ),
    "a minority voted down": (
        replace(GOOD, alerts=[SeenAlert(ms(21.9), AlertKind.TRIGGER, "d", "inc_1", True, votes(ALL[:2])), RESOLVE]),
        "only 2 of 5",
    ),
    "too few domains": (
        replace(
            GOOD,
            seats=[Seat("a", "x"), Seat("b", "x"), Seat("c", "y"), Seat("d", "z")],
            alerts=[
                SeenAlert(
                    ms(21.9),
                    AlertKind.TRIGGER,
                    "d",
                    "inc_1",
                    True,
                    [
                        SeenVote("a", "x", "down", "refused"),
                        SeenVote("b", "x", "down", "refused"),
                        SeenVote("c", "x", "down", "refused"),
                        SeenVote("d", "z", "up", "ok"),
                    ],
                ),
                RESOLVE,
            ],
        ),
        "not in the story",
    ),
    "a region votes twice": (
        replace(
            GOOD,
            alerts=[SeenAlert(ms(21.9), AlertKind.TRIGGER, "d", "inc_1", True, votes(ALL) + votes(ALL[:1])), RESOLVE],
        ),
        "twice",
    ),
    "an unsigned delivery": (
        replace(GOOD, alerts=[TRIGGER, SeenAlert(ms(82.9), AlertKind.RESOLVE, "dlv_2", "inc_1", False)]),
        "no valid signature",
    ),
    "a resolve before recovery": (
        replace(GOOD, alerts=[TRIGGER, SeenAlert(ms(22.5), AlertKind.RESOLVE, "dlv_2", "inc_1", True)]),
        "before the provider came back",
    ),
    "a resolve of another incident": (
        replace(GOOD, alerts=[TRIGGER, SeenAlert(ms(82.9), AlertKind.RESOLVE, "dlv_2", "inc_7", True)]),
        "another incident",
    ),
    "a note nobody asked for": (
        replace(GOOD, alerts=[TRIGGER, RESOLVE, SeenAlert(ms(40), AlertKind.NOTE, "dlv_3", "inc_1", True)]),
        "unexpected note",
    ),
    "cut short": (replace(GOOD, marks=without(Chapter.QUIET)), "cut short"),
    "out of order": (replace(GOOD, marks=list(reversed(GOOD.marks))), "order"),
    "nothing happened": (Story(START, SEATS, [], []), "did not start"),
}


@pytest.mark.parametrize(("story", "problem"), BAD.values(), ids=BAD.keys())
def test_a_bad_story_does_not_hold_and_says_why(story: Story, problem: str) -> None:
    problems = broken(story)
    assert any(problem in line for line in problems), problems
    assert tell(story)["held"] is False


def test_failing_votes_in_too_few_domains_do_not_hold() -> None:
    seats = [Seat("a", "x"), Seat("b", "x"), Seat("c", "x"), Seat("d", "y"), Seat("e", "z")]
    seen = [SeenVote(s.region, s.domain, "down" if s.domain == "x" else "up", "refused") for s in seats]
    story = replace(
        GOOD, seats=seats, alerts=[SeenAlert(ms(21.9), AlertKind.TRIGGER, "d", "inc_1", True, seen), RESOLVE]
    )
    assert broken(story) == ["the failing votes do not span more than half of the domains"]


def test_the_same_delivery_received_twice_is_one_alert() -> None:
    again = SeenAlert(TRIGGER.at_ms + 500, TRIGGER.kind, TRIGGER.delivery, TRIGGER.dedup_key, True, TRIGGER.votes)
    assert once_each([again, TRIGGER, RESOLVE]) == [TRIGGER, RESOLVE]
    assert broken(replace(GOOD, alerts=[TRIGGER, again, RESOLVE])) == []


def test_the_json_tells_times_from_the_start_and_the_four_delays() -> None:
    told: dict[str, Any] = tell(GOOD)
    assert told["held"] is True
    assert told["events"][0] == {"t": 8.0, "what": "started"}
    assert [(alert["t"], alert["kind"]) for alert in told["alerts"]] == [(21.9, "trigger"), (82.9, "resolve")]
    assert told["alerts"][0]["votes"][0] == {
        "region": "eu-west",
        "domain": "aws",
        "status": "down",
        "reason": "refused",
        "counted": True,
    }
    assert told["fault_to_first_failure_s"] == 0.5
    assert told["fault_to_verdict_s"] == 2.5
    assert told["fault_to_alert_s"] == 2.9
    assert told["recovery_to_resolve_s"] == 59.9


def test_what_never_happened_has_no_delay() -> None:
    told = tell(Story(START, SEATS, [], []))
    assert told["fault_to_alert_s"] is None
    assert told["recovery_to_resolve_s"] is None


def test_a_received_delivery_becomes_an_alert() -> None:
    vote = {"region": "eu-west", "domain": "aws", "status": "down", "reason": "refused", "counted": True, "detail": "x"}
    body = {"type": "incident.triggered", "dedup_key": "inc_1", "votes": [vote], "k": 3}
    alert = alert_of({"received_ms": 5, "id": "dlv_1", "verified": True, "body": body})
    assert alert.kind is AlertKind.TRIGGER
    assert alert.votes == [SeenVote("eu-west", "aws", "down", "refused")]


@pytest.mark.parametrize("body", [None, [], {"type": 3}, {"type": "something.else"}])
def test_a_foreign_delivery_is_unreadable(body: object) -> None:
    assert alert_of({"received_ms": 5, "id": "x", "verified": True, "body": body}).kind is AlertKind.UNREADABLE


def test_a_digest_tells_several_incidents_and_each_counts_once() -> None:
    told = [{"id": f"inc_{number}", "monitor": {"name": f"shop {number}"}} for number in (1, 2)]
    entry = {
        "received_ms": 5,
        "id": "dlv_1",
        "verified": True,
        "body": {"type": "incidents.resolved", "incidents": told},
    }

    alerts = once_each([*alerts_of(entry), *alerts_of(entry)])

    assert [(alert.kind, alert.dedup_key, alert.monitor) for alert in alerts] == [
        (AlertKind.RESOLVE, "inc_1", "shop 1"),
        (AlertKind.RESOLVE, "inc_2", "shop 2"),
    ]

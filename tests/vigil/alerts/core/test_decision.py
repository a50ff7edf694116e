"""What becomes of the message to each channel that a step concerns."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from vigil.alerts.core.decision import (
    EVENTS,
    Concern,
    Disposition,
    Hold,
    IncidentContext,
    Why,
    Withheld,
    decide,
    strongest,
)
from vigil.incidents.core.model import Step

ROUTED = {1: Concern(Why.ROUTED, "r"), 2: Concern(Why.ROUTED, "r")}
NIGHT = Hold(Withheld.SILENCED, "nightly", datetime(2030, 1, 1, 6, tzinfo=UTC))
PARENT = Hold(Withheld.HELD_BY_PARENT, "gateway")
TELL, HOLD, OMIT = Disposition.TELL, Disposition.HOLD, Disposition.OMIT

#: step, told before, acknowledged, held -> what becomes of which channel; channels 1 and 2 are routed.
CASES: list[tuple[Step, set[int], bool, bool, dict[int, Disposition]]] = [
    (Step.OPENED, set(), False, False, {1: TELL, 2: TELL}),
    (Step.OPENED, set(), False, True, {1: HOLD, 2: HOLD}),
    (Step.CHANGED, {3}, False, False, {1: TELL, 2: TELL, 3: TELL}),
    (Step.CHANGED, {3}, False, True, {1: HOLD, 2: HOLD, 3: HOLD}),
    (Step.CHANGED, {1}, True, False, {1: TELL, 2: TELL}),
    (Step.NOTE, {1, 3}, False, False, {1: TELL}),
    (Step.NOTE, {1, 3}, False, True, {1: OMIT}),
    (Step.ESCALATED, {3}, False, False, {1: TELL, 2: TELL}),
    (Step.ESCALATED, {3}, True, False, {1: OMIT, 2: OMIT}),
    (Step.ESCALATED, {3}, False, True, {1: HOLD, 2: HOLD}),
    (Step.REMINDED, {1}, True, False, {1: OMIT, 2: OMIT}),
    (Step.REMINDED, {1}, False, False, {1: TELL, 2: TELL}),
    (Step.ACKNOWLEDGED, {1, 3}, False, True, {1: TELL, 3: TELL}),
    (Step.SNOOZED, {3}, True, False, {3: TELL}),
    (Step.RESOLVED, {1, 3}, True, True, {1: TELL, 3: TELL}),
    (Step.RESOLVED, set(), False, False, {}),
]


@pytest.mark.parametrize(("step", "told", "acknowledged", "held", "outcomes"), CASES)
def test_every_concerned_channel_gets_its_outcome(
    step: Step, told: set[int], acknowledged: bool, held: bool, outcomes: dict[int, Disposition]
) -> None:
    context = IncidentContext(frozenset(told), acknowledged, (NIGHT,) if held else ())
    choices = decide(step, ROUTED, context)
    assert {choice.channel: choice.outcome for choice in choices} == outcomes
    assert all((choice.hold is not None) == (choice.outcome is not TELL) for choice in choices)


def test_a_choice_says_why_the_channel_is_concerned() -> None:
    routed, before = decide(Step.CHANGED, {1: Concern(Why.ROUTED, "pay")}, IncidentContext(frozenset({2})))
    assert (routed.concern, before.concern) == (Concern(Why.ROUTED, "pay"), Concern(Why.TOLD_BEFORE))


def test_the_hold_without_an_end_is_the_strongest_and_then_the_one_that_ends_last() -> None:
    later = Hold(Withheld.SILENCED, "later", datetime(2031, 1, 1, tzinfo=UTC))
    assert strongest((NIGHT, PARENT, later)) is PARENT
    assert strongest((NIGHT, later)) is later
    assert strongest(()) is None


def test_every_step_has_an_event() -> None:
    assert set(EVENTS) == set(Step)

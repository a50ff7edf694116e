"""Window of a canary's answers and its life cycle: k of n, over regions, and never DOWN."""

from __future__ import annotations

import pytest

from probes.reasons import Reason, Status
from probes.wire import WIRE_VERSION, Phases, Result
from vigil.canaries.core.steps import canary_step
from vigil.canaries.core.window import (
    KEPT,
    CanaryAnswer,
    WindowRule,
    WindowStanding,
    answer_of,
    judge_window,
    usual_reason,
    window_of,
    with_answer,
)
from vigil.canaries.core.wording import bad_answers_text
from vigil.incidents.core.lifecycle import FLAP_STABLE_MS, settle
from vigil.incidents.core.model import BelievedState, IncidentKind, Step, StepReason

RULE = WindowRule(3, 5)
UNDECIDED, GOOD, BAD, ACCOUNT = (
    WindowStanding.UNDECIDED,
    WindowStanding.GOOD,
    WindowStanding.BAD,
    WindowStanding.ACCOUNT,
)


def answers(story: str) -> tuple[CanaryAnswer, ...]:
    """One word an answer: the region's letter, and `+` good, `-` bad, `!` the key is refused."""
    reasons = {"+": Reason.OK, "-": Reason.STALLED, "!": Reason.AUTH}
    return tuple(
        CanaryAnswer(place, word[0], 1, word[1] != "+", reasons[word[1]])
        for place, word in enumerate(story.split(), start=1)
    )


@pytest.mark.parametrize(
    ("story", "standing"),
    [
        ("", UNDECIDED),
        ("a+", UNDECIDED),
        ("a+ b+ c+", GOOD),
        ("a- b- c-", BAD),
        ("a- b-", UNDECIDED),
        ("a- b+ c- d+ e-", BAD),
        ("a- b+ c- d+ e+", GOOD),
        ("a- b- c- d+ e+ a+", GOOD),
        ("a- b- c- d+ e+", BAD),
        ("a- b- a+ b- c+ d+", GOOD),
        ("a- b+ a- b+ c- d+", UNDECIDED),
        ("a+ b+ c+ d-", UNDECIDED),
        ("a! b! c!", ACCOUNT),
        ("a! b- c-", BAD),
        ("a- b+ a- b+ a-", UNDECIDED),
        ("a- a- a-", BAD),
        ("a- b- a- b+ a-", BAD),
    ],
)
def test_k_bad_answers_of_the_last_n_degrade(story: str, standing: WindowStanding) -> None:
    assert judge_window(window_of(answers(story), RULE, 1), RULE) is standing


@pytest.mark.parametrize(
    ("story", "reason"), [("a- b- c!", Reason.STALLED), ("a- b!", Reason.AUTH), ("a! b-", Reason.STALLED)]
)
def test_the_reason_of_an_incident_is_that_of_most_bad_answers_else_the_latest(story: str, reason: Reason) -> None:
    assert usual_reason(answers(story)) is reason


def test_answers_to_another_configuration_do_not_count() -> None:
    assert window_of(answers("a- b- c-"), RULE, 2) == ()


def test_the_last_answers_are_kept_each_slot_once_and_in_order() -> None:
    kept: tuple[CanaryAnswer, ...] = ()
    for slot_ms in [*range(100, 130), 129, 115]:
        kept = with_answer(kept, CanaryAnswer(slot_ms, "a", 1, False, Reason.OK))
    assert [one.slot_ms for one in kept] == list(range(130 - KEPT, 130))


def test_answers_of_a_clock_that_was_far_ahead_are_not_the_last_for_good() -> None:
    kept: tuple[CanaryAnswer, ...] = ()
    for slot_ms in [10**12, 10**12 + 1, 5, 3]:
        kept = with_answer(kept, CanaryAnswer(slot_ms, "a", 1, True, Reason.STALLED))
    assert [one.slot_ms for one in kept] == [3, 5]


@pytest.mark.parametrize(
    ("status", "attempts", "is_answer"),
    [(Status.UP, 1, True), (Status.DEGRADED, 1, True), (Status.UNKNOWN, 1, False), (Status.DEGRADED, 0, False)],
)
def test_what_was_not_asked_or_not_seen_is_no_answer(status: Status, attempts: int, is_answer: bool) -> None:
    result = Result(WIRE_VERSION, "mon_a", 1, status, Reason.SLOW, 1, Phases(), "can_1", 0, attempts)
    assert (answer_of("a", result) is not None) is is_answer


UNKNOWN_STATE = BelievedState()
UP_STATE = BelievedState(status=Status.UP, since_ms=5)
BAD_STATE = BelievedState(status=Status.DEGRADED, since_ms=5, open=IncidentKind.DEGRADED)
ACCOUNT_STATE = BelievedState(status=Status.DEGRADED, since_ms=5, account=True, open=IncidentKind.ACCOUNT)


@pytest.mark.parametrize(
    ("state", "standing", "status", "opens", "steps"),
    [
        (UNKNOWN_STATE, GOOD, Status.UP, None, []),
        (UNKNOWN_STATE, BAD, Status.DEGRADED, IncidentKind.DEGRADED, [Step.OPENED]),
        (UP_STATE, BAD, Status.DEGRADED, IncidentKind.DEGRADED, [Step.OPENED]),
        (UP_STATE, ACCOUNT, Status.DEGRADED, IncidentKind.ACCOUNT, [Step.OPENED]),
        (BAD_STATE, ACCOUNT, Status.DEGRADED, IncidentKind.ACCOUNT, [Step.CHANGED]),
        (ACCOUNT_STATE, BAD, Status.DEGRADED, IncidentKind.DEGRADED, [Step.CHANGED]),
        (BAD_STATE, GOOD, Status.UP, None, [Step.RESOLVED]),
        (BAD_STATE, WindowStanding.STOPPED, Status.UNKNOWN, None, [Step.RESOLVED]),
        (UP_STATE, WindowStanding.STOPPED, Status.UNKNOWN, None, []),
    ],
)
def test_a_window_moves_the_state_and_its_one_incident(
    state: BelievedState, standing: WindowStanding, status: Status, opens: IncidentKind | None, steps: list[Step]
) -> None:
    effect = canary_step(state, standing, 1_000, 700)
    assert effect is not None
    assert (effect.state.status, effect.state.open) == (status, opens)
    assert [move.step for move in effect.moves] == steps
    assert effect.state.status is not Status.DOWN
    # Level, not edge: the same again changes nothing.
    assert canary_step(effect.state, standing, 2_000) is None


@pytest.mark.parametrize("state", [UNKNOWN_STATE, UP_STATE, BAD_STATE])
def test_an_undecided_window_changes_nothing(state: BelievedState) -> None:
    assert canary_step(state, UNDECIDED, 1_000) is None


def test_a_canary_that_flaps_keeps_one_incident_open_until_it_was_well_for_long() -> None:
    state, told = UP_STATE, []
    for turn in range(8):
        effect = canary_step(state, GOOD if turn % 2 else BAD, 10**6 + turn)
        assert effect is not None
        state = effect.state
        told += [move.step for move in effect.moves]
    assert told == [Step.OPENED, Step.RESOLVED] * 2 + [Step.OPENED, Step.NOTE]
    assert (state.status, state.open, state.flapping) == (Status.UP, IncidentKind.DEGRADED, True)
    assert canary_step(state, GOOD, 10**6 + 9) is None
    settled = settle(state, 10**6 + 9 + FLAP_STABLE_MS)
    assert settled is not None
    assert (settled.state.open, canary_step(settled.state, GOOD, 10**7)) == (None, None)


def test_an_incident_begins_with_the_first_bad_answer() -> None:
    effect = canary_step(UP_STATE, BAD, 1_000, 700)
    assert effect is not None
    assert (effect.moves[0].started_ms, effect.reason) == (700, StepReason.CONFIRMED)


def test_the_text_names_what_was_bad_and_where() -> None:
    text = bad_answers_text(answers("a- b+ c!"), WindowRule(2, 3))
    assert text == "2 of the last 3 answers were bad, and 2 degrade it: stalled (a); auth (c)."

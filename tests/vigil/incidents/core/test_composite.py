"""The steps of a composite: a table of what was believed and what its members say, and the words for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.reasons import Status
from vigil.incidents.core.composite import MemberSeen, Whole, derive, evidence_of_members, explain, title_of, told_anew
from vigil.incidents.core.model import BelievedState, IncidentKind, Step, StepReason
from vigil.monitors.core.composite_rules import CompositeRule, StatusBounds
from vigil.monitors.core.readiness import Value

DOWN, DEGRADED, UP = Value
OUTAGE, SLOW = IncidentKind.OUTAGE, IncidentKind.DEGRADED
T0 = 1_700_000_000_000


@pytest.mark.parametrize(
    ("status", "open", "worst", "best", "step", "kind", "reason"),
    [
        (Status.UP, None, DOWN, DOWN, Step.OPENED, OUTAGE, StepReason.CONFIRMED),
        (Status.UP, None, DEGRADED, DEGRADED, Step.OPENED, SLOW, StepReason.CONFIRMED),
        (Status.UP, None, DOWN, DEGRADED, Step.OPENED, SLOW, StepReason.CONFIRMED),
        (Status.UNKNOWN, None, DOWN, DOWN, Step.OPENED, OUTAGE, StepReason.CONFIRMED),
        (Status.DEGRADED, SLOW, DOWN, DOWN, Step.CHANGED, OUTAGE, StepReason.WORSENED),
        (Status.DOWN, OUTAGE, DEGRADED, DEGRADED, Step.NOTE, OUTAGE, StepReason.IMPROVED),
        (Status.DEGRADED, OUTAGE, DOWN, DOWN, Step.CHANGED, OUTAGE, StepReason.WORSENED),
        (Status.DOWN, OUTAGE, UP, UP, Step.RESOLVED, OUTAGE, StepReason.RECOVERED),
        (Status.DEGRADED, OUTAGE, UP, UP, Step.RESOLVED, OUTAGE, StepReason.RECOVERED),
    ],
)
def test_a_composite_steps_as_its_members_say(
    status: Status, open: IncidentKind | None, worst: Value, best: Value, step: Step, kind: IncidentKind,
    reason: StepReason,
) -> None:  # fmt: skip
    effect = derive(BelievedState(status=status, open=open), StatusBounds(worst, best), T0)
    assert effect is not None
    (move,) = effect.moves
    assert (move.step, move.kind, move.reason, effect.reason) == (step, kind, reason, reason)
    assert effect.state.open == (None if step is Step.RESOLVED else kind)
    # Level, not edge: what has been done is not done again.
    assert derive(effect.state, StatusBounds(worst, best), T0 + 1) is None


@pytest.mark.parametrize(
    ("status", "worst", "best"),
    [(Status.UP, DOWN, UP), (Status.DOWN, DOWN, UP), (Status.UNKNOWN, DOWN, UP), (Status.DOWN, DOWN, DEGRADED)],
)
def test_what_is_not_known_changes_nothing(status: Status, worst: Value, best: Value) -> None:
    assert derive(BelievedState(status=status), StatusBounds(worst, best), T0) is None


KNOWN = st.sampled_from(list(Value)).map(lambda value: StatusBounds(value, value))
ANY_BOUNDS = st.tuples(st.sampled_from(list(Value)), st.sampled_from(list(Value))).map(
    lambda pair: StatusBounds(min(pair), max(pair))
)


@given(st.lists(st.one_of(KNOWN, ANY_BOUNDS), max_size=30))
def test_whatever_the_members_do_belief_is_possible_and_steps_take_turns(history: list[StatusBounds]) -> None:
    state, steps = BelievedState(), []
    for at, bounds in enumerate(history):
        effect = derive(state, bounds, T0 + at)
        if effect is not None:
            state = effect.state
            steps += [move.step for move in effect.moves]
        if state.status is not Status.UNKNOWN:
            value = {Status.UP: UP, Status.DEGRADED: DEGRADED, Status.DOWN: DOWN}[state.status]
            assert bounds.worst <= value <= bounds.best
        assert (state.open is not None) == (state.status in (Status.DEGRADED, Status.DOWN))
    is_open = False
    for step in steps:
        assert (step is Step.OPENED) is not is_open
        is_open = step is not Step.RESOLVED


def test_a_first_pass_is_no_incident() -> None:
    effect = derive(BelievedState(), StatusBounds(UP, UP), T0)
    assert effect is not None and effect.moves == () and effect.state.status is Status.UP


def test_an_incident_begins_when_the_trouble_that_made_it_began() -> None:
    whole = chain(member("a", down=True, since_ms=T0), member("b", rank=1, down=True, since_ms=T0 + 5))
    effect = derive(BelievedState(status=Status.UP), whole.bounds, T0 + 99, whole.began_ms)
    assert effect is not None and effect.moves[0].started_ms == T0 + 5


@pytest.mark.parametrize(
    ("state", "open", "worst", "best"),
    [
        (BelievedState(status=Status.UP), None, UP, UP),
        (BelievedState(status=Status.DOWN), OUTAGE, DOWN, DOWN),
        (BelievedState(status=Status.UNKNOWN), None, DOWN, UP),
        (BelievedState(status=Status.UP, blind=True), None, DOWN, UP),
        (BelievedState(status=Status.DOWN, blind=True), OUTAGE, DOWN, UP),
        (BelievedState(status=Status.DEGRADED, account=True), IncidentKind.ACCOUNT, DOWN, DOWN),
        (BelievedState(status=Status.UP, flapping=True), OUTAGE, DOWN, DOWN),
        (BelievedState(status=Status.UP, flapping=True), SLOW, DEGRADED, DEGRADED),
    ],
)
def test_a_member_is_as_bad_as_what_is_certain_of_it(
    state: BelievedState, open: IncidentKind | None, worst: Value, best: Value
) -> None:
    assert MemberSeen("mon_a", "a", 0, "", state, open).bounds == StatusBounds(worst, best)


def test_the_title_and_the_text_say_what_serves_and_what_does_not() -> None:
    primary = member("openai", group="chat", down=True, failure="timeout")
    spare = member("anthropic", rank=1, group="backup")
    whole = chain(primary, spare)
    assert title_of(whole, Status.DEGRADED) == "chat runs on a fallback"
    assert explain(whole) == (
        "Not serving: openai (for chat: timeout). Serving: anthropic (for backup, fallback 1)."
        " The first one that works is used, in this order."
    )
    both = chain(primary, member("anthropic", rank=1, down=True, failure="http_5xx"))
    assert title_of(both, Status.DOWN) == "chat: nothing serves"
    assert explain(both).startswith("Not serving: openai (for chat: timeout), anthropic (fallback 1: http 5xx).")


def test_the_text_names_a_few_and_the_evidence_names_all() -> None:
    members = [member(f"m{n}", down=True) for n in range(12)]
    whole = Whole("fleet", CompositeRule.AT_LEAST, 3, tuple(members))
    assert "m4 and 7 more" in explain(whole) and explain(whole).endswith("At least 3 of 12 must work.")
    assert [one["name"] for one in evidence_of_members(whole)["members"]] == [one.name for one in members]


@pytest.mark.parametrize(
    ("told", "is_open", "says"),
    [
        ("no_headroom", True, True),
        ("ready", True, True),
        ("no_fallback", True, False),
        ("on_fallback", True, False),
        ("no_headroom", False, False),
        ("made_up", True, False),
    ],
)
def test_a_warning_is_told_anew_for_a_worse_reason_alone(told: str, is_open: bool, says: bool) -> None:
    serves = BelievedState(status=Status.UP)
    lost = BelievedState(status=Status.DOWN)
    whole = Whole(
        "chat", CompositeRule.READINESS, 1, (MemberSeen("a", "a", 0, "", serves), MemberSeen("b", "b", 1, "", lost))
    )
    state = BelievedState(status=Status.DEGRADED, open=IncidentKind.DEGRADED if is_open else None)

    effect = told_anew(state, whole, told)

    assert (effect is not None) is says
    if effect is not None:
        assert [(move.step, move.kind) for move in effect.moves] == [(Step.CHANGED, IncidentKind.DEGRADED)]


def chain(*members: MemberSeen) -> Whole:
    return Whole("chat", CompositeRule.CHAIN, 1, members)


def member(
    name: str, *, rank: int = 0, group: str = "", down: bool = False, failure: str = "", since_ms: int = T0
) -> MemberSeen:
    status = Status.DOWN if down else Status.UP
    return MemberSeen(
        f"mon_{name}", name, rank, group, BelievedState(status=status), OUTAGE if down else None, failure, since_ms
    )

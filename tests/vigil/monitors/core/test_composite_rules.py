"""What members say together: a table of cases, and the laws that hold for every rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.monitors.core.composite_rules import (
    UNKNOWN,
    CompositeRule,
    Part,
    StatusBounds,
    depth,
    evaluate,
    exactly,
    find_circle,
    settle,
)
from vigil.monitors.core.readiness import Value

DOWN, DEGRADED, UP = Value
SEEN = {"d": exactly(DOWN), "s": exactly(DEGRADED), "u": exactly(UP), "?": UNKNOWN}


def parts(text: str) -> list[Part]:
    """`u/d?` is a chain whose rank 0 is up, with a fallback of two members: one down, one unknown."""
    return [Part(SEEN[one], rank) for rank, link in enumerate(text.split("/")) for one in link]


CASES = [
    ("all", 1, "uuu", UP, UP),
    ("all", 1, "usu", DEGRADED, DEGRADED),
    ("all", 1, "udu", DOWN, DOWN),
    ("all", 1, "u?u", DOWN, UP),
    ("all", 1, "d?u", DOWN, DOWN),
    ("any", 1, "uuu", UP, UP),
    ("any", 1, "usu", UP, UP),
    ("any", 1, "udd", DEGRADED, DEGRADED),
    ("any", 1, "sss", DEGRADED, DEGRADED),
    ("any", 1, "ddd", DOWN, DOWN),
    ("any", 1, "dd?", DOWN, DEGRADED),
    ("any", 1, "uu?", DEGRADED, UP),
    ("at_least", 2, "uud", DEGRADED, DEGRADED),
    ("at_least", 2, "udd", DOWN, DOWN),
    ("at_least", 2, "uu?", DEGRADED, UP),
    ("at_least", 2, "u?d", DOWN, DEGRADED),
    ("at_least", 4, "uuu", DOWN, UP),
    ("chain", 1, "u/d", UP, UP),
    ("chain", 1, "ud/d", UP, UP),
    ("chain", 1, "s/u", DEGRADED, DEGRADED),
    ("chain", 1, "d/u", DEGRADED, DEGRADED),
    ("chain", 1, "dd/d/u", DEGRADED, DEGRADED),
    ("chain", 1, "d/d", DOWN, DOWN),
    ("chain", 1, "d/?", DOWN, DEGRADED),
    ("chain", 1, "?/d", DOWN, UP),
    ("chain", 1, "?/u", DEGRADED, UP),
    ("chain", 1, "d", DOWN, DOWN),
    ("any", 1, "", DOWN, UP),
]


@pytest.mark.parametrize(("rule", "k", "members", "worst", "best"), CASES)
def test_the_whole_is_what_its_members_say(rule: str, k: int, members: str, worst: Value, best: Value) -> None:
    assert evaluate(CompositeRule(rule), k, parts(members)) == StatusBounds(worst, best)


members = st.lists(st.tuples(st.sampled_from(list(Value)), st.integers(0, 3)), min_size=1, max_size=6)


@given(
    st.sampled_from(list(CompositeRule)), st.integers(1, 6), members, st.integers(0, 5), st.sampled_from(list(Value))
)
def test_the_whole_never_falls_when_a_member_rises(
    rule: CompositeRule, k: int, seen: list[tuple[Value, int]], which: int, to: Value
) -> None:
    which %= len(seen)
    raised = [(max(value, to) if at == which else value, rank) for at, (value, rank) in enumerate(seen)]
    before = evaluate(rule, k, [Part(exactly(value), rank) for value, rank in seen])
    after = evaluate(rule, k, [Part(exactly(value), rank) for value, rank in raised])
    assert after.worst >= before.worst and after.best >= before.best


@given(st.sampled_from(list(CompositeRule)), st.integers(1, 6), members, st.sets(st.integers(0, 5)))
def test_what_is_unknown_could_be_anything_within_the_bounds(
    rule: CompositeRule, k: int, seen: list[tuple[Value, int]], hidden: set[int]
) -> None:
    true = evaluate(rule, k, [Part(exactly(value), rank) for value, rank in seen])
    dimmed = [Part(UNKNOWN if at in hidden else exactly(value), rank) for at, (value, rank) in enumerate(seen)]
    bounds = evaluate(rule, k, dimmed)
    assert bounds.worst <= true.worst and true.best <= bounds.best


@given(st.sampled_from(list(CompositeRule)), st.integers(1, 6), members, st.randoms())
def test_the_order_of_members_does_not_matter(
    rule: CompositeRule, k: int, seen: list[tuple[Value, int]], random: object
) -> None:
    shuffled = list(seen)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = ([Part(exactly(value), rank) for value, rank in some] for some in (seen, shuffled))
    assert evaluate(rule, k, one) == evaluate(rule, k, other)


@pytest.mark.parametrize(
    ("believed", "worst", "best", "next_one"),
    [
        (None, UP, UP, UP),
        (None, DOWN, DOWN, DOWN),
        (None, DOWN, UP, None),
        (None, DOWN, DEGRADED, DEGRADED),
        (UP, DOWN, UP, UP),
        (DOWN, DOWN, UP, DOWN),
        (DOWN, DOWN, DEGRADED, DOWN),
        (UP, DOWN, DEGRADED, DEGRADED),
        (DOWN, DEGRADED, UP, DEGRADED),
        (DEGRADED, UP, UP, UP),
    ],
)
def test_belief_moves_no_further_than_what_is_certain(
    believed: Value | None, worst: Value, best: Value, next_one: Value | None
) -> None:
    assert settle(believed, StatusBounds(worst, best)) == next_one


def test_a_circle_is_found_with_the_way_round() -> None:
    assert find_circle({"a": ["x", "b"], "b": ["c"], "c": ["y", "a"]}, "a") == ["a", "b", "c", "a"]
    assert find_circle({"a": ["a"]}, "a") == ["a", "a"]
    assert find_circle({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, "a") == []


def test_depth_is_the_longest_way_down() -> None:
    assert depth({"a": ["b", "c"], "b": ["c"], "c": ["d"]}, "a") == 3
    assert depth({}, "a") == 0

"""What would happen if the one that serves died now: the table of cases."""

from __future__ import annotations

from itertools import product

import pytest

from vigil.monitors.core.composite_rules import CompositeRule, Part, StatusBounds, evaluate, exactly
from vigil.monitors.core.readiness import ChainTarget, Value, in_words, readiness, value_of

_HEALTH = {"u": Value.UP, "g": Value.DEGRADED, "d": Value.DOWN, "?": None}


def targets(written: str) -> list[ChainTarget]:
    """`u g! d`: a target a word, by rank; `!` is a key without headroom; `u+d` are two of one rank."""
    found = []
    for rank, words in enumerate(written.split()):
        for word in words.split("+"):
            found.append(ChainTarget(f"{rank}{word[0]}", rank, _HEALTH[word[0]], word.endswith("!")))
    return found


@pytest.mark.parametrize(
    ("written", "reason", "serving", "following"),
    [
        ("u u", "ready", "0u", "1u"),
        ("u d u", "ready", "0u", "2u"),
        ("u ? u", "ready", "0u", "2u"),
        ("g u", "ready", "0g", "1u"),
        ("u! u", "ready", "0u", "1u"),
        ("u u!", "no_headroom", "0u", "1u"),
        ("u u! u", "ready", "0u", "2u"),
        ("u u! g!", "no_headroom", "0u", "1u"),
        ("u g", "degraded_fallback", "0u", "1g"),
        ("u g u", "ready", "0u", "2u"),
        ("u g u!", "degraded_fallback", "0u", "1g"),
        ("u d", "no_fallback", "0u", None),
        ("u", "no_fallback", "0u", None),
        ("u ?", "unknown", "0u", None),
        ("d u", "on_fallback", "1u", None),
        ("d u u", "on_fallback", "1u", "2u"),
        ("d u! u", "on_fallback", "2u", None),
        ("d d", "all_down", None, None),
        ("d", "all_down", None, None),
        ("d ?", "unknown", None, None),
        ("? u", "unknown", None, "1u"),
        ("d+u d", "no_fallback", "0u", None),
        ("d+d d+u", "on_fallback", "1u", None),
        ("u u!+u", "ready", "0u", "1u"),
        ("", "unknown", None, None),
    ],
)
def test_the_law(written: str, reason: str, serving: str | None, following: str | None) -> None:
    found = readiness(targets(written))

    assert found.reason == reason
    assert (found.serving.name if found.serving else None) == serving
    assert (found.next.name if found.next else None) == following
    assert in_words(found, "chat").endswith(".")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("u u", Value.UP),
        ("g u", Value.DEGRADED),
        ("u d", Value.DEGRADED),
        ("u u!", Value.DEGRADED),
        ("d u", Value.DEGRADED),
        ("d d", Value.DOWN),
    ],
)
def test_both_down_is_an_outage_and_no_headroom_only_warns(written: str, value: Value) -> None:
    assert value_of(readiness(targets(written))) is value


def test_unknown_members_leave_bounds_and_no_more_than_they_can_decide() -> None:
    """The bounds hold every outcome of the unknown members, for all chains of three."""
    for health in product([Value.UP, Value.DEGRADED, Value.DOWN, None], repeat=3):
        unknown = StatusBounds(Value.DOWN, Value.UP)
        parts = [Part(unknown if one is None else exactly(one), rank) for rank, one in enumerate(health)]
        bounds = evaluate(CompositeRule.READINESS, 1, parts)
        for filled in product(*([one] if one is not None else list(Value) for one in health)):
            sure = [Part(exactly(one), rank) for rank, one in enumerate(filled)]
            value = evaluate(CompositeRule.READINESS, 1, sure)
            assert bounds.worst <= value.worst <= bounds.best


def test_readiness_is_never_better_than_its_chain() -> None:
    for health in product(Value, repeat=3):
        parts = [Part(exactly(one), rank) for rank, one in enumerate(health)]
        ready = evaluate(CompositeRule.READINESS, 1, parts)
        chain = evaluate(CompositeRule.CHAIN, 1, parts)
        assert ready.worst <= chain.worst
        assert (ready.worst is Value.DOWN) == (chain.worst is Value.DOWN)

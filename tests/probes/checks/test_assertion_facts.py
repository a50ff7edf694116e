"""Assertion outcomes travel as facts, within a result's bounds, and what a region wrote otherwise is left out."""

from __future__ import annotations

from probes.admission import with_storable_text
from probes.checks.assertion_facts import assertions_of, with_assertions
from probes.prober import AssertionOutcome
from probes.reasons import Reason, Status
from probes.wire import FACTS_MOST, Phases, Result, decode_result, encode


def test_outcomes_come_back_as_they_were_beside_the_facts() -> None:
    outcomes = [
        AssertionOutcome(n % 2 == 0, f'"{n}" ' + '\\"' * 97, "\x00" * 200, Status.DOWN, Reason.BODY_MISMATCH)
        for n in range(20)
    ]
    facts = with_assertions({f"f{n}": n for n in range(60)}, outcomes)
    assert len(facts) == FACTS_MOST
    sent = Result(1, "trl_a", 1, Status.DOWN, Reason.BODY_MISMATCH, 1, Phases(), "trl_a", facts=facts)
    others, found = assertions_of(with_storable_text(decode_result(encode(sent))).facts)
    assert len(others) == FACTS_MOST - 20
    assert [(one.passed, one.expected, one.status) for one in found] == [
        (one.passed, one.expected, one.status) for one in outcomes
    ]
    assert {one.found for one in found} == {" " * 200}


def test_what_is_no_outcome_is_left_out() -> None:
    assert assertions_of({"assertion_01": "[1, 2]", "assertion_02": 7, "assertion_03": "[" * 90, "a": 1}) == (
        {"a": 1},
        [],
    )

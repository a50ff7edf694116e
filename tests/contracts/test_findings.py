"""Findings of the security reviews, known attacks and invariants: each has a test that bears its id."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
#: P1 to P3, and S1 to S31 without S17, S29 and S30: who may use a region, staff, and quotas are no faults of input.
FINDINGS = ["p1", "p2", "p3", *(f"s{number}" for number in range(1, 32) if number not in (17, 29, 30))]
#: T-SEC-01 to T-SEC-26: what broke other systems. T-SEC-27: messages that are not signed as they must be.
ATTACKS = [f"t_sec_{number:02}" for number in range(1, 28)]
#: Of the invariants, those of security.
INVARIANTS = ["inv_23", "inv_24"]
_ID = re.compile(r"(?:^|_)([ps])0*(\d+)(?=[a-z]?_|$)")
_LONG_ID = re.compile(r"(?:^|_)(t_sec|inv)_(\d+)(?=_|$)")


def ids(name: str) -> set[str]:
    """The findings whose ids a test's name bears: `test_s04_s4b_...` bears s4."""
    return {f"{kind}{number}" for kind, number in _ID.findall(name.removeprefix("test"))}


def names() -> Iterator[str]:
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield node.name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test_s04_a_ping", {"s4"}),
        ("test_s1_s2_by_chance", {"s1", "s2"}),
        ("test_p2b_a_result", {"p2"}),
        ("test_the_first_s_of_ten", set()),
        ("test_http2_is_refused", set()),
    ],
)
def test_an_id_is_found_however_it_is_written(name: str, expected: set[str]) -> None:
    assert ids(name) == expected


def test_every_finding_has_a_test_that_bears_its_id() -> None:
    tested = {found for name in names() for found in ids(name)}
    assert [finding for finding in FINDINGS if finding not in tested] == []


def test_every_known_attack_and_invariant_of_security_has_a_test_that_bears_its_id() -> None:
    tested = {f"{kind}_{number}" for name in names() for kind, number in _LONG_ID.findall(name.removeprefix("test"))}
    assert [each for each in ATTACKS + INVARIANTS if each not in tested] == []

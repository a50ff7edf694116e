"""Which tests run beside which: see `scheduling`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.scheduling import LONG_FOLDERS, WAITING_FOLDERS, WAITING_GROUPS, in_order, is_waiting, next_unit, unit_of

CHECKOUT = Path(__file__).resolve().parents[1]
E2E, OTHER_E2E = "tests/e2e/test_up.py::test_up", "tests/e2e/test_kills.py::test_kills"
FILE = "tests/probes/test_seal.py"


@pytest.mark.parametrize(
    ("test", "unit"),
    [
        ("tests/e2e/test_hangs.py::test_hangs@machine", "machine"),
        ("tests/probes/test_seal.py::test_mail[a@b.test]", "tests/probes/test_seal.py"),
        ("tests/probes/test_seal.py::test_mail[a@b.test]@machine", "machine"),
        ("tests/e2e/test_kills.py::test_kills", "tests/e2e/test_kills.py::test_kills"),
        ("tests/simulation/test_worlds.py::test_noise[1]", "tests/simulation/test_worlds.py::test_noise[1]"),
    ],
)
def test_a_unit_is_a_group_a_long_test_or_a_file(test: str, unit: str) -> None:
    assert unit_of(test) == unit


def test_what_waits_longest_begins_first() -> None:
    assert in_order([FILE, E2E, "browser", "one file", "machine"]) == ["machine", "browser", E2E, FILE, "one file"]


def test_one_worker_is_left_to_compute_and_none_gets_two_units_that_wait() -> None:
    queue = [OTHER_E2E, FILE]
    assert next_unit(queue, [], [[], [E2E], []], 2) == OTHER_E2E
    assert next_unit(queue, [], [[], [E2E], ["machine", FILE]], 2) == FILE
    assert next_unit(queue, [E2E], [[], [E2E], []], 2) == FILE


def test_nobody_is_idle_while_anything_is_left() -> None:
    assert next_unit([OTHER_E2E], [E2E], [[E2E], ["machine"]], 1) == OTHER_E2E
    assert next_unit([FILE], [], [[], []], 1) == FILE


def test_what_is_named_is_there() -> None:
    marked = set(re.findall(r'xdist_group\("(\w+)"\)', "".join(p.read_text() for p in CHECKOUT.glob("tests/**/*.py"))))
    assert set(WAITING_GROUPS) <= marked
    assert all((CHECKOUT / folder).is_dir() for folder in WAITING_FOLDERS + LONG_FOLDERS)
    assert is_waiting("machine") and not is_waiting("schemathesis")

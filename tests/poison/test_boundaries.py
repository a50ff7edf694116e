"""Every boundary under hostile messages: what is let through can be applied, stored and sent, the rest is refused.

`.ci/nightly` is the long run: `POISON_EACH` cases of each boundary, and `POISON_SEED` varies them. Without it the tests
share `POISON_CASES` cases.
"""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes.probers import parse_spec
from tests.poison import members, parsers, regions, strangers
from tests.poison.boundary import Boundary

BOUNDARIES: dict[str, Boundary] = {
    **regions.BOUNDARIES,
    **strangers.BOUNDARIES,
    **members.BOUNDARIES,
    **parsers.BOUNDARIES,
}
#: Cases of all boundaries together.
CASES = int(os.environ.get("POISON_CASES", "100000"))
EACH = int(os.environ.get("POISON_EACH", "0"))
SEED = int(os.environ.get("POISON_SEED", "12"))
EXAMPLES = 40
WEIGHTS = sum(boundary.weight for boundary in BOUNDARIES.values())


@pytest.mark.parametrize("name", BOUNDARIES)
def test_s01_s02_s04_s06_s15_s26_a_hostile_message_is_read_in_bounds_or_refused(name: str) -> None:
    boundary = BOUNDARIES[name]

    @given(st.randoms(use_true_random=False))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def read(dice: Random) -> None:
        boundary.read(boundary.made(dice))

    read()


@pytest.mark.parametrize("kind", members.SPECS)
def test_the_configurations_that_are_changed_are_right_before(kind: str) -> None:
    assert parse_spec(kind, members.SPECS[kind])


@pytest.mark.timeout(86_400)
@pytest.mark.parametrize("name", BOUNDARIES)
def test_p2_s05_by_chance_no_boundary_lets_through_what_cannot_be_applied(name: str) -> None:
    boundary = BOUNDARIES[name]
    dice = Random(f"{name} {SEED}")
    for number in range(EACH or round(CASES * boundary.weight / WEIGHTS)):
        message = boundary.made(dice)
        try:
            boundary.read(message)
        except BaseException as fault:
            fault.add_note(f"{name}, case {number} of seed {SEED}: {message!r:.2000}")
            raise

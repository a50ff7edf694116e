"""Nemeses: the same for the same seed, spread over the run, and only what the machine can do."""

from __future__ import annotations

import pytest

from vigil.bench.chaos.nemeses import NemesisKind, plan

VICTIMS = ["deliver", "dispatch", "ingest", "postgres", "redis"]


def test_a_seed_gives_one_plan() -> None:
    assert plan(7, 600, VICTIMS, True) == plan(7, 600, VICTIMS, True)
    assert plan(7, 600, VICTIMS, True) != plan(8, 600, VICTIMS, True)


@pytest.mark.parametrize("can_fill", [True, False])
def test_every_harm_comes_in_a_long_run_and_within_it(can_fill: bool) -> None:
    found = plan(1, 7200, VICTIMS, can_fill)
    assert {one.kind for one in found} == set(NemesisKind) - (set() if can_fill else {NemesisKind.FILL_DISK})
    times = [one.at_s for one in found]
    assert times == sorted(times) and times[0] > 0 and times[-1] < 7200
    assert all(5 <= one.length_s <= 20 for one in found if one.kind is NemesisKind.STOP)
    assert {len(one.victims) for one in found if one.kind is NemesisKind.KILL} == {1, 2}
    assert {victim for one in found for victim in one.victims} == set(VICTIMS)

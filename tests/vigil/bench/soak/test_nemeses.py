"""Nemeses: the same for the same seed, spread over the run, and only what the machine can do."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from vigil.bench.soak.nemeses import CONTROL_PLANE, KillAtReceipt, NemesisKind, Victims, harmed_at, plan

PROCESSES = ["deliver", "dispatch", "ingest", "postgres", "redis"]
ALL = Victims(PROCESSES, ["far-1", "far-2"], ["texts"], True)
NEEDS_REGIONS = {NemesisKind.PARTITION, NemesisKind.DELAY}
#: Short of shifts, in which half of the processes are spared.
SHORT_S, LONG_S = 1_790, 14_400
ENDING = (NemesisKind.KILL, NemesisKind.PAUSE)


def test_a_seed_gives_one_plan() -> None:
    assert plan(7, 600, ALL) == plan(7, 600, ALL)
    assert plan(7, 600, ALL) != plan(8, 600, ALL)


@pytest.mark.parametrize(
    ("victims", "missing"),
    [
        pytest.param(ALL, set(), id="all"),
        pytest.param(replace(ALL, can_fill=False), {NemesisKind.FILL_DISK}, id="no disk of its own"),
        pytest.param(replace(ALL, regions=[]), NEEDS_REGIONS, id="no far region"),
        pytest.param(replace(ALL, poisons=[]), {NemesisKind.POISON}, id="no poison"),
    ],
)
def test_every_harm_that_can_be_done_comes_within_the_run(victims: Victims, missing: set[NemesisKind]) -> None:
    found = [one for seed in range(9) for one in plan(seed, SHORT_S, victims)]
    assert {one.kind for one in found} == set(NemesisKind) - missing
    assert {len(one.victims) for one in found if one.kind is NemesisKind.KILL} == {1, 2}
    harmed = {victim for one in found if one.kind in ENDING for victim in one.victims}
    assert harmed == set(PROCESSES)
    stepped = {victim for one in found if one.kind is NemesisKind.CLOCK_STEP for victim in one.victims}
    assert stepped == {CONTROL_PLANE, *victims.regions}
    assert {one.victims for one in found if one.kind in NEEDS_REGIONS} >= ({("far-1",)} if victims.regions else set())


def test_times_rise_and_a_nemesis_is_over_before_the_next_begins() -> None:
    found = plan(1, SHORT_S, ALL)
    assert found[0].at_s > 0 and found[-1].at_s < SHORT_S
    assert all(one.at_s + one.length_s < after.at_s for one, after in itertools.pairwise(found))


def test_a_full_disk_is_not_filled_again_at_once() -> None:
    at_s = [one.at_s for one in plan(3, LONG_S, ALL) if one.kind is NemesisKind.FILL_DISK]
    assert len(at_s) > 3
    assert min(after - before for before, after in itertools.pairwise(at_s)) >= 120


def test_in_a_long_run_half_of_the_processes_live_through_each_shift() -> None:
    found = plan(1, LONG_S, ALL)
    starts_s = [0.0, *(one.at_s for one in found if one.kind is NemesisKind.KILL_ALL)]
    assert len(starts_s) == 5
    for begin_s, end_s in zip(starts_s, [*starts_s[1:], LONG_S], strict=True):
        shift = [one for one in found if begin_s < one.at_s < end_s]
        harmed = {victim for one in shift if one.kind in ENDING for victim in one.victims}
        spared = set(PROCESSES) - set(harmed_at(1, LONG_S, ALL, shift[0].at_s))
        assert harmed and len(spared) >= 2 and not harmed & spared
        assert "postgres" not in spared or NemesisKind.RESTART_POSTGRES not in {one.kind for one in shift}


def test_the_sender_is_killed_at_every_fourth_receipt_and_lives_for_a_while_after_each() -> None:
    """Messages that were in flight come again, and bring the next fourth receipt within a second."""
    kills = KillAtReceipt()
    calm = [number for number in range(1, 13) if kills.is_due(number, at_s=10.0 * number)]
    assert calm == [4, 8, 12]
    storm = [at_s for at_s in range(121, 141) if any(kills.is_due(number, at_s) for number in (16, 17, 18, 19))]
    assert storm == [125, 130, 135, 140]

"""A region that cannot keep up is sent less, every monitor the same part of its slots, and it recovers slowly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.dispatch.core.shedding import (
    CUT,
    GAIN,
    LEAST_SHARE,
    OLD_MS,
    WAITING_BATCHES,
    RegionLoad,
    Shares,
    Strain,
    is_kept,
)

shares = st.floats(LEAST_SHARE, 1.0)


@pytest.mark.parametrize(
    ("strain", "load"),
    [
        (Strain(), RegionLoad.AT_REST),
        (Strain(waiting=WAITING_BATCHES - 1, queue_age_ms=OLD_MS), RegionLoad.AT_REST),
        (Strain(waiting=WAITING_BATCHES), RegionLoad.FULL_QUEUE),
        (Strain(queue_age_ms=OLD_MS + 1, status_ms=1), RegionLoad.OLD_CHECKS),
    ],
)
def test_how_a_region_fares(strain: Strain, load: RegionLoad) -> None:
    judged = Shares()
    assert judged.judge("eu-west", strain) is load
    assert judged.of("eu-west") == (1.0 if load is RegionLoad.AT_REST else CUT)
    assert judged.of("us-east") == 1.0


def test_one_status_cuts_once_and_a_full_queue_every_second() -> None:
    judged, old = Shares(), Strain(queue_age_ms=60_000, status_ms=7)
    assert [judged.judge("eu-west", old) for _ in range(3)] == [
        RegionLoad.OLD_CHECKS,
        RegionLoad.AT_REST,
        RegionLoad.AT_REST,
    ]
    assert judged.of("eu-west") == pytest.approx(CUT + 2 * GAIN)

    for _ in range(100):
        judged.judge("eu-west", Strain(waiting=1_000))
    assert judged.of("eu-west") == LEAST_SHARE


def test_a_region_at_rest_gets_everything_back_and_is_forgotten() -> None:
    judged = Shares()
    judged.judge("eu-west", Strain(waiting=WAITING_BATCHES))
    seconds = 0
    while judged.of("eu-west") < 1.0:
        judged.judge("eu-west", Strain())
        seconds += 1
    assert 9 <= seconds <= 11
    assert not judged.strained()


def test_a_region_that_watches_nothing_any_more_leaves_nothing_behind() -> None:
    judged = Shares()
    judged.judge("eu-west", Strain(waiting=WAITING_BATCHES))
    judged.forget_all_but(["us-east"])
    assert judged.of("eu-west") == 1.0


@given(st.text(min_size=1, max_size=30), st.integers(0, 10**9), st.integers(1, 300), shares)
def test_a_monitor_keeps_its_share_of_any_run_of_slots_to_within_one(
    monitor: str, first: int, slots: int, share: float
) -> None:
    kept = sum(is_kept(monitor, slot, share) for slot in range(first, first + slots))
    assert abs(kept - share * slots) <= 1.000_01


@given(st.text(min_size=1, max_size=30), st.integers(0, 10**9))
def test_a_full_share_keeps_every_slot_and_the_least_one_in_twenty(monitor: str, slot: int) -> None:
    assert is_kept(monitor, slot, 1.0)
    assert any(is_kept(monitor, slot + later, LEAST_SHARE) for later in range(round(1 / LEAST_SHARE) + 1))


@given(shares, st.integers(0, 10**7))
def test_monitors_take_turns(share: float, slot: int) -> None:
    kept = sum(is_kept(f"mon_{number}", slot, share) for number in range(2_000))
    assert abs(kept / 2_000 - share) < 0.1

"""Slots are pure functions: staggered over regions, the same for every dispatcher, each found once by the wheel."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.vocabulary import Sensitivity
from vigil.dispatch.core.plans import Plan, RegionPlan, scheduled_check
from vigil.dispatch.core.schedule import Wheel, phase_ms, slots_ms

REGIONS = tuple(RegionPlan(slug, slug) for slug in ("ap-south", "eu-north", "eu-west", "us-east", "us-west"))


def plan(monitor: str = "mon_a", interval_s: int = 60, regions: tuple[RegionPlan, ...] = REGIONS) -> Plan:
    return Plan(
        monitor=monitor,
        kind="http",
        interval_ms=interval_s * 1000,
        timeout_ms=5_000,
        spec=b"\x80",
        regions=regions,
        sensitivity=Sensitivity.NORMAL,
        revision=1,
    )


@given(st.text(min_size=1, max_size=30), st.integers(5, 3600), st.integers(1, 9), st.integers(0, 10**13))
def test_every_region_looks_once_per_interval_and_somebody_every_nth(
    monitor: str, interval_s: int, regions: int, start: int
) -> None:
    interval_ms = interval_s * 1000
    window = range(start, start + interval_ms)
    slots = [slots_ms(monitor, interval_ms, index, regions, window) for index in range(regions)]

    assert all(len(of_region) == 1 for of_region in slots)
    ordered = sorted(slot for of_region in slots for slot in of_region)
    gaps = [later - earlier for earlier, later in zip(ordered, [*ordered[1:], ordered[0] + interval_ms], strict=True)]
    assert max(gaps) - min(gaps) <= 1 + (interval_ms % regions)


def test_a_slot_never_moves() -> None:
    assert [phase_ms("mon_example", 60_000, index, 5) for index in range(5)] == [
        phase_ms("mon_example", 60_000, 0, 5)
        + shift
        - (60_000 if shift + phase_ms("mon_example", 60_000, 0, 5) >= 60_000 else 0)
        for shift in (0, 12_000, 24_000, 36_000, 48_000)
    ]


@pytest.mark.parametrize("interval_s", [5, 7, 60, 3600])
def test_the_wheel_finds_exactly_the_slots(interval_s: int) -> None:
    wheel, one = Wheel(), plan(interval_s=interval_s)
    wheel.put(one)
    start = 1_700_000_000

    found = Counter(
        (region.slug, at_ms)
        for second in range(start, start + 2 * interval_s)
        for _, region, at_ms in wheel.due(second)
    )

    window = range(start * 1000, (start + 2 * interval_s) * 1000)
    assert found == Counter(
        (region.slug, at_ms)
        for index, region in enumerate(REGIONS)
        for at_ms in slots_ms(one.monitor, one.interval_ms, index, len(REGIONS), window)
    )


def test_a_changed_monitor_is_filed_anew_and_a_removed_one_is_gone() -> None:
    wheel = Wheel()
    wheel.put(plan(interval_s=60))
    wheel.put(plan(interval_s=30, regions=REGIONS[:2]))
    assert len([due for second in range(30) for due in wheel.due(second)]) == 2

    wheel.remove("mon_a")
    wheel.remove("mon_a")
    assert len(wheel) == 0
    assert [due for second in range(60) for due in wheel.due(second)] == []


def test_a_check_may_start_late_by_the_interval_and_never_by_more_than_half_a_minute() -> None:
    often = scheduled_check(plan(interval_s=10), REGIONS[0], 1_000_000)
    seldom = scheduled_check(replace(plan(), interval_ms=3_600_000), REGIONS[0], 1_000_000)

    assert (often.expires_ms, seldom.expires_ms) == (1_010_000, 1_030_000)
    assert often.soft_ms == 1_250

"""A monitor has one shard, everywhere; and while their number changes, somebody always decides."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.shards import (
    SHARDS_MOST,
    WHOLE,
    Shard,
    ShardMap,
    ShardStanding,
    decode_map,
    encode_map,
    latest,
    shard_of,
    shards_of,
    standing,
)

MONITORS = st.text(min_size=1, max_size=40)
COUNTS = st.integers(1, SHARDS_MOST)


@given(MONITORS, COUNTS)
def test_a_monitor_has_exactly_one_shard(monitor: str, count: int) -> None:
    assert [shard.index for shard in shards_of(count) if shard.owns(monitor)] == [shard_of(monitor, count)]


@pytest.mark.parametrize(
    ("monitor", "shards", "shard"),
    [("mon_00000000000000000000", 2, 0), ("mon_00000000000000000001", 2, 0), ("mon_example", 2, 1), ("eu-west", 8, 5)],
)
def test_the_shard_is_the_same_in_every_release(monitor: str, shards: int, shard: int) -> None:
    assert shard_of(monitor, shards) == shard


@pytest.mark.parametrize("count", [2, 3, 8, 64])
def test_monitors_are_spread_evenly(count: int) -> None:
    found = Counter(shard_of(f"mon_{number:020d}", count) for number in range(64_000))

    assert set(found) == set(range(count))
    assert all(0.8 * 64_000 / count < size < 1.2 * 64_000 / count for size in found.values())


@pytest.mark.parametrize(("index", "count"), [(1, 1), (-1, 2), (2, 2), (0, 0), (0, SHARDS_MOST + 1)])
def test_there_is_no_other_shard(index: int, count: int) -> None:
    with pytest.raises(ValueError, match="a shard is"):
        Shard(index, count)


def test_what_the_whole_has_for_itself_is_named_as_before_there_were_shards() -> None:
    assert (WHOLE.name, WHOLE.named("consensus")) == ("", "consensus")
    assert (Shard(1, 2).name, Shard(1, 2).named("consensus")) == ("1of2", "consensus/1of2")


TWO = ShardMap(1, 2, epoch=7)


@pytest.mark.parametrize(
    ("shard", "present", "led", "found"),
    [
        (WHOLE, None, set(), ShardStanding.NO_MAP),
        (Shard(0, 2), None, set(), ShardStanding.NO_MAP),
        (Shard(0, 2), TWO, set(), ShardStanding.PRESENT),
        (WHOLE, TWO, set(), ShardStanding.NOT_SUCCEEDED),
        (WHOLE, TWO, {"0of2"}, ShardStanding.NOT_SUCCEEDED),
        (WHOLE, TWO, {"", "0of2"}, ShardStanding.NOT_SUCCEEDED),
        (WHOLE, TWO, {"0of2", "1of2"}, ShardStanding.SUCCEEDED),
        (Shard(2, 3), TWO, {"0of2", "1of2"}, ShardStanding.SUCCEEDED),
        (Shard(0, 2), ShardMap(1, 1, 8), {""}, ShardStanding.SUCCEEDED),
        (Shard(0, 2), ShardMap(1, 1, 8), {"0of2", "1of2"}, ShardStanding.NOT_SUCCEEDED),
    ],
)
def test_who_may_lead(shard: Shard, present: ShardMap | None, led: set[str], found: ShardStanding) -> None:
    assert standing(shard, present, led) is found


@given(COUNTS, COUNTS, st.sets(st.integers(0, SHARDS_MOST - 1)), MONITORS)
def test_each_monitor_always_has_a_shard_that_leads_or_may(before: int, after: int, up: set[int], monitor: str) -> None:
    """Whichever of the new shards are up: a monitor is decided by its new shard, or its old one may lead."""
    present = ShardMap(1, after, epoch=2)
    led = {shard.name for shard in shards_of(after) if shard.index in up}
    new, old = Shard(shard_of(monitor, after), after), Shard(shard_of(monitor, before), before)

    assert standing(new, present, led).may_lead
    assert new.name in led or standing(old, present, led).may_lead


@given(st.lists(st.none() | st.builds(ShardMap, st.just(1), COUNTS, st.integers(0, 2**53)), max_size=20))
def test_the_epoch_of_the_map_that_counts_never_goes_back(heard: list[ShardMap | None]) -> None:
    known: ShardMap | None = None
    for one in heard:
        before, known = known, latest(known, one)
        assert before is None or (known is not None and known.epoch >= before.epoch)
    epochs = [one.epoch for one in heard if one is not None]
    assert (known.epoch if known else None) == (max(epochs) if epochs else None)


@given(COUNTS, st.integers(0, 2**53))
def test_a_map_is_read_as_it_was_written(count: int, epoch: int) -> None:
    assert decode_map(encode_map(ShardMap(1, count, epoch))) == ShardMap(1, count, epoch)

"""The sketch: every percentile within 1 % of the exact one, however it was split and merged."""

from __future__ import annotations

import math

from ddsketch.ddsketch import LogCollapsingLowestDenseDDSketch
from hypothesis import given
from hypothesis import strategies as st

from vigil.history.core import latency_sketch

durations = st.lists(st.integers(1, 600_000_000), min_size=1, max_size=400)
parts = [0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1.0]


def exact(values: list[int], part: float) -> int:
    return sorted(values)[max(1, math.ceil(part * len(values))) - 1]


@given(st.integers(1, 600_000_000))
def test_a_duration_is_within_one_percent_of_what_its_bucket_stands_for(us: int) -> None:
    assert abs(latency_sketch.microseconds(latency_sketch.bucket(us)) - us) <= us * latency_sketch.ERROR * (1 + 1e-9)


@given(durations)
def test_every_percentile_is_within_one_percent_of_the_exact_one(values: list[int]) -> None:
    found = latency_sketch.quantiles(latency_sketch.sketch_of(map(latency_sketch.bucket, values)), parts)
    for part, us in zip(parts, found, strict=True):
        assert us is not None
        truth = exact(values, part)
        assert abs(us - truth) <= truth * latency_sketch.ERROR * (1 + 1e-9)


@given(durations, durations, durations)
def test_merging_through_bytes_loses_nothing(first: list[int], second: list[int], third: list[int]) -> None:
    into: dict[int, int] = {}
    for values in (first, second, third):
        data = bytearray(b"before")
        latency_sketch.put(data, latency_sketch.sketch_of(map(latency_sketch.bucket, values)))
        assert latency_sketch.add_from(into, bytes(data), len(b"before")) == len(data)
    assert into == latency_sketch.sketch_of(map(latency_sketch.bucket, [*first, *second, *third]))


@given(durations)
def test_it_agrees_with_the_ddsketch_library(values: list[int]) -> None:
    library = LogCollapsingLowestDenseDDSketch(relative_accuracy=latency_sketch.ERROR)
    for value in values:
        library.add(value)
    # The library interpolates no ranks either, but counts them from 0 to n - 1: ask for the very same one.
    rank = max(1, math.ceil(0.95 * len(values)))
    theirs = library.get_quantile_value((rank - 1) / max(1, len(values) - 1))
    ours = latency_sketch.quantiles(latency_sketch.sketch_of(map(latency_sketch.bucket, values)), [0.95])[0]
    assert ours is not None and theirs is not None
    neighbours = {exact(values, min(1.0, max(0.0, (rank + step) / len(values)))) for step in (-1, 0, 1)}
    assert any(abs(theirs - truth) <= truth * 0.0101 for truth in neighbours)
    assert abs(ours - exact(values, 0.95)) <= exact(values, 0.95) * 0.0101


def test_nothing_measured_has_no_percentiles_and_what_was_not_measured_counts_nowhere() -> None:
    assert latency_sketch.quantiles({}, [0.5, 0.99]) == [None, None]
    assert latency_sketch.bucket(0) == latency_sketch.bucket(-5) == 0
    assert latency_sketch.sketch_of([0, 0, 5]) == {5: 1}


def test_the_longest_duration_there_can_be_has_a_bucket() -> None:
    assert latency_sketch.bucket(2**62) == latency_sketch.LAST_BUCKET < 2**11
    assert latency_sketch.microseconds(latency_sketch.LAST_BUCKET) > 600_000_000

"""The bound of a region is a part of the memory; one region above it is cut, and not all that are together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from vigil.dispatch.core.region_bounds import (
    STRANGE_MOST,
    OverBounds,
    RegionKeys,
    bound_bytes,
    is_large,
    keys_to_delete,
    memory_bytes,
    over_bounds,
)

MIB = 1024 * 1024


def keeps(size: int, strange: int = 0) -> RegionKeys:
    return RegionKeys({b"results": size}, {b"made-up-%d" % number for number in range(strange)})


SMALL, LARGE, MADE_UP = keeps(100), keeps(101), keeps(1, STRANGE_MOST + 1)


@pytest.mark.parametrize(
    ("kept", "bound", "enabled", "expected"),
    [
        ((SMALL, SMALL, SMALL), 100, "abc", OverBounds()),
        ((LARGE, SMALL, SMALL), 100, "abc", OverBounds(cut=("a",))),
        ((LARGE, LARGE, SMALL), 100, "abc", OverBounds(spared=("a", "b"))),
        ((LARGE, LARGE, LARGE), 100, "abc", OverBounds(spared=("a", "b", "c"))),
        ((LARGE, LARGE), 100, "ab", OverBounds(spared=("a", "b"))),
        ((LARGE, SMALL), 100, "ab", OverBounds(cut=("a",))),
        ((LARGE,), 100, "a", OverBounds(spared=("a",))),
        ((LARGE, LARGE, SMALL, SMALL), 100, "abcd", OverBounds(cut=("a", "b"))),
        # Regions that are disabled are sent nothing: they are no majority, and make none.
        ((LARGE, SMALL, SMALL), 100, "a", OverBounds(spared=("a",))),
        ((LARGE, SMALL, SMALL), 100, "bc", OverBounds(cut=("a",))),
        ((LARGE, SMALL), 100, "", OverBounds(cut=("a",))),
        # What no part of Vigil makes is the fault of the region that made it, however many there are.
        ((MADE_UP,), 100, "a", OverBounds(cut=("a",))),
        ((MADE_UP, LARGE, SMALL), 100, "abc", OverBounds(cut=("a", "b"))),
        ((MADE_UP, LARGE, LARGE), 100, "abc", OverBounds(cut=("a",), spared=("b", "c"))),
        ((keeps(1, STRANGE_MOST), SMALL, SMALL), 100, "abc", OverBounds()),
        # The memory is not known.
        ((keeps(10**12), MADE_UP, SMALL), None, "abc", OverBounds(cut=("b",))),
    ],
)
def test_who_is_cut(kept: tuple[RegionKeys, ...], bound: int | None, enabled: str, expected: OverBounds) -> None:
    assert over_bounds(dict(zip("abcd", kept, strict=False)), bound, set(enabled)) == expected


@pytest.mark.parametrize(
    ("told", "regions", "expected"),
    [
        ({"maxmemory": 1024 * MIB, "total_system_memory": 4096 * MIB}, 3, 256 * MIB),
        ({"maxmemory": "1073741824"}, 50, 64 * MIB),
        ({"maxmemory": 0, "total_system_memory": 8192 * MIB}, 3, 2048 * MIB),
        ({"total_system_memory": 1024 * MIB}, 0, 768 * MIB),
        ({"maxmemory": 0}, 3, None),
        ({}, 3, None),
    ],
)
def test_the_bound_is_a_part_of_the_memory_that_redis_tells(
    told: Mapping[str, Any], regions: int, expected: int | None
) -> None:
    assert bound_bytes(memory_bytes(told), regions) == expected


def test_the_largest_keys_go_first_and_without_a_bound_only_those_that_were_made_up() -> None:
    found = RegionKeys({b"large": 80, b"middle": 30, b"small": 5, b"odd": 1}, {b"odd"})
    assert is_large(found, 100) and not is_large(found, 116) and not is_large(found, None)
    assert keys_to_delete(found, 100) == [b"odd", b"large"]
    assert keys_to_delete(found, None) == [b"odd"]

"""Which silences of regions hold a regional incident: a table of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vigil.silences.core.regions import RegionCover, joint_cover

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def cover(name: str, *regions: str, hours: int = 1) -> RegionCover:
    return RegionCover(name, frozenset(regions), NOON + timedelta(hours=hours))


A, B, AB = cover("a", "a"), cover("b", "b", hours=2), cover("ab", "a", "b", hours=3)


@pytest.mark.parametrize(
    ("covers", "failing", "held"),
    [
        pytest.param([A], "a", ("a", 1), id="its region"),
        pytest.param([AB], "a", ("ab", 3), id="its region, and another that is well"),
        pytest.param([A, B], "a", ("a", 1), id="a silence of another region has no part in it"),
        pytest.param([A], "ab", None, id="a region that is not silenced is news"),
        pytest.param([A, B], "ab", ("a, b", 1), id="two together, until the first ends"),
        pytest.param([A, AB], "a", ("a, ab", 3), id="twice, until the last ends"),
        pytest.param([A, AB], "ab", ("a, ab", 3), id="all by one of them"),
        pytest.param([B], "a", None, id="another region"),
        pytest.param([], "a", None, id="no silence"),
        pytest.param([AB], "", None, id="an incident that is not regional"),
        pytest.param([cover("all", *"abcde")], "", None, id="an outage, whatever is silenced"),
    ],
)
def test_a_regional_incident_is_held_where_every_failing_region_is_silenced(
    covers: list[RegionCover], failing: str, held: tuple[str, int] | None
) -> None:
    found = joint_cover(covers, frozenset(failing))
    assert (found and (found.name, (found.until - NOON) // timedelta(hours=1))) == held
    assert found is None or found.regions == frozenset(failing)

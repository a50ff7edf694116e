"""Silence of regions: which silences together hold the alerts of a regional incident. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RegionCover:
    """A current silence of some regions: its name, its regions, its end."""

    name: str
    regions: frozenset[str]
    until: datetime


def joint_cover(covers: Sequence[RegionCover], failing: frozenset[str]) -> RegionCover | None:
    """What holds the alerts of a regional incident, None if nothing does; `failing` are its regions.

    1. Every failing region must be silenced: one that is not is news.
    2. Silences of different regions hold together, until the first region is silenced no more.
    3. An incident without failing regions of its own is not regional: a quorum confirmed it, and nothing holds it.
    """
    if not failing:
        return None
    ends: dict[str, datetime] = {}
    for cover in covers:
        for region in cover.regions & failing:
            ends[region] = max(cover.until, ends.get(region, cover.until))
    if ends.keys() != failing:
        return None
    names = [cover.name for cover in covers if cover.regions & failing]
    return RegionCover(", ".join(names), failing, min(ends.values()))

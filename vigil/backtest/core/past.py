"""Past checks of one monitor by region; between checks the nearest within one interval counts. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge

from probes.reasons import Reason, Status


@dataclass(frozen=True, slots=True)
class PastResult:
    """One check of a region; `look` is 0 for a scheduled one."""

    at_ms: int
    region: str
    status: Status
    reason: Reason
    total_us: int
    look: int = 0


class Past:
    """All checks of a monitor by region, in order of time."""

    def __init__(self, checks: Mapping[str, Sequence[PastResult]], interval_ms: int) -> None:
        self._checks = {region: list(seen) for region, seen in checks.items()}
        self._times = {region: [one.at_ms for one in seen] for region, seen in checks.items()}
        self._interval_ms = interval_ms

    def __len__(self) -> int:
        return sum(map(len, self._checks.values()))

    @property
    def regions(self) -> list[str]:
        return sorted(self._checks)

    def scheduled(self) -> Iterator[PastResult]:
        """Scheduled checks of all regions, in order of time."""
        each = ([one for one in seen if not one.look] for seen in self._checks.values())
        return merge(*each, key=lambda one: (one.at_ms, one.region))

    def near(self, region: str, at_ms: int) -> PastResult | None:
        """The region's nearest check; None if none is within an interval."""
        times = self._times.get(region, [])
        place = bisect_left(times, at_ms)
        around = [index for index in (place - 1, place) if 0 <= index < len(times)]
        nearest = min(around, key=lambda index: abs(times[index] - at_ms), default=None)
        if nearest is None or abs(times[nearest] - at_ms) > self._interval_ms:
            return None
        return self._checks[region][nearest]

    def without(self, regions: frozenset[str]) -> Past:
        """The same past without these regions."""
        kept = {region: seen for region, seen in self._checks.items() if region not in regions}
        return Past(kept, self._interval_ms)

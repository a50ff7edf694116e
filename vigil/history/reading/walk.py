"""Walk over a monitor's stored checks in order of time, a part at a time, so that any window costs bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from probes.wire import Result
from vigil.history.core.packing import HOUR_MS
from vigil.history.reading import read
from vigil.history.reading.read import StoredCheck

#: Checks that one part may hold, as far as the interval tells, and the most hours of a part.
_PART_CHECKS, _PART_HOURS = 20_000, 24

#: Identity and order of a check: when (ms), from where (key of the region), and the look.
Place = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class WalkedCheck:
    """A check with its region, and its full result where that was kept."""

    region: int
    check: StoredCheck
    full: Result | None

    @property
    def place(self) -> Place:
        return self.check.at_ms, self.region, self.check.look


def hours_of_part(regions: int, interval_s: int) -> int:
    """Hours that are read at once."""
    return max(1, min(_PART_HOURS, _PART_CHECKS * interval_s // (3_600 * max(1, regions))))


def walk(
    monitor: int, regions: list[int], window: tuple[int, int], part_hours: int, after: Place | None = None
) -> Iterator[WalkedCheck]:
    """Checks of a window (ms, half open) behind `after`, in order of time."""
    start_ms, end_ms = window
    if after is not None:
        start_ms = max(start_ms, after[0])
    while start_ms < end_ms:
        # Parts end at full hours, so that each stored hour is read once.
        stop_ms = min(end_ms, (start_ms // HOUR_MS + part_hours) * HOUR_MS)
        found = read.checks(monitor, regions, start_ms, stop_ms)
        full = read.failures(monitor, regions, start_ms, stop_ms)
        for one in sorted(_joined(found, full), key=lambda one: one.place):
            if after is None or one.place > after:
                yield one
        start_ms = stop_ms


def newest_first(
    monitor: int, regions: list[int], window: tuple[int, int], part_hours: int, before: Place | None = None
) -> Iterator[WalkedCheck]:
    """Checks of a window (ms, half open) ahead of `before`, the newest first."""
    start_ms, end_ms = window
    if before is not None:
        end_ms = min(end_ms, before[0] + 1)
    while start_ms < end_ms:
        begin_ms = max(start_ms, ((end_ms - 1) // HOUR_MS + 1 - part_hours) * HOUR_MS)
        found = read.checks(monitor, regions, begin_ms, end_ms)
        full = read.failures(monitor, regions, begin_ms, end_ms)
        for one in sorted(_joined(found, full), key=lambda one: one.place, reverse=True):
            if before is None or one.place < before:
                yield one
        end_ms = begin_ms


def _joined(found: Mapping[int, list[StoredCheck]], full: Mapping[int, list[Result]]) -> Iterator[WalkedCheck]:
    for region, checks in found.items():
        kept = {(result.at_ms, result.look): result for result in full[region]}
        for check in checks:
            yield WalkedCheck(region, check, kept.get((check.at_ms, check.look)))

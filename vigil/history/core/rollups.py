"""Rollups (downsampling): counts by status and a latency sketch, for any time and regions. Pure.

The sketch holds answered checks (UP and DEGRADED) only: a timeout's duration says nothing about the target.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from probes.reasons import STATUS_CODES, Status
from vigil.history.core import latency_sketch, varints
from vigil.history.core.packing import Hour

HOURS_IN_DAY = 24
#: Stands for all regions together; keys of regions start at 1.
ALL_REGIONS = 0
_ANSWERED_BELOW = 2 << 7


@dataclass(slots=True)
class Rollup:
    """Mergeable with another or with encoded bytes. `counts` is by status number."""

    counts: list[int] = field(default_factory=lambda: [0] * len(STATUS_CODES))
    durations: dict[int, int] = field(default_factory=dict)

    @property
    def checks(self) -> int:
        return sum(self.counts)

    def count(self, status: Status) -> int:
        return self.counts[STATUS_CODES[status]]

    def add(self, other: Rollup) -> None:
        for place, count in enumerate(other.counts):
            self.counts[place] += count
        for number, count in other.durations.items():
            self.durations[number] = self.durations.get(number, 0) + count

    def add_from(self, data: bytes, at: int = 0) -> int:
        """Add the rollup at `at`; returns the end of it."""
        for place in range(len(self.counts)):
            count, at = varints.take(data, at)
            self.counts[place] += count
        return latency_sketch.add_from(self.durations, data, at)

    def put(self, into: bytearray) -> None:
        for count in self.counts:
            varints.put(into, count)
        latency_sketch.put(into, self.durations)

    def percentiles_ms(self, parts: Iterable[float]) -> list[float | None]:
        """Percentiles of answered checks in milliseconds, to within 1 %."""
        found = latency_sketch.quantiles(self.durations, list(parts))
        return [None if us is None else round(us / 1000, 3) for us in found]


def merged(rollups: Iterable[Rollup]) -> Rollup:
    """Merge rollups."""
    total = Rollup()
    for one in rollups:
        total.add(one)
    return total


def of_checks(codes: Sequence[int], totals: Sequence[int]) -> Rollup:
    """Rollup of columns: codes, and buckets of total time."""
    by_code = Counter(codes)
    counts = [0] * len(STATUS_CODES)
    for code, count in by_code.items():
        counts[code >> 7] += count
    if all(code < _ANSWERED_BELOW for code in by_code):
        return Rollup(counts, latency_sketch.sketch_of(totals))
    answered = (total for code, total in zip(codes, totals, strict=True) if code < _ANSWERED_BELOW)
    return Rollup(counts, latency_sketch.sketch_of(answered))


def of_hour(hour: Hour) -> Rollup:
    """Rollup of a packed hour."""
    return of_checks(hour.codes, hour.totals)


def pack_hours(hours: Mapping[int, Rollup]) -> bytes:
    """Encode the rollups of a day's hours (0 to 23): a bitmap of hours, then each in turn."""
    packed = bytearray(sum(1 << hour for hour in hours).to_bytes(3, "little"))
    for hour in sorted(hours):
        hours[hour].put(packed)
    return bytes(packed)


def unpack_hours(packed: bytes) -> dict[int, Rollup]:
    """Rollups of a day's hours."""
    present = int.from_bytes(packed[:3], "little")
    found, at = {}, 3
    for hour in range(HOURS_IN_DAY):
        if present >> hour & 1:
            found[hour] = Rollup()
            at = found[hour].add_from(packed, at)
    return found


def pack_regions(regions: Mapping[int, Rollup]) -> bytes:
    """Encode a monitor's day by region key, preceded by the sum of all regions, the usual query."""
    packed = bytearray()
    whole = merged(regions.values()) if len(regions) > 1 else Rollup()
    for region, rolled in [(ALL_REGIONS, whole), *sorted(regions.items())]:
        varints.put(packed, region)
        body = bytearray()
        rolled.put(body)
        varints.put(packed, len(body))
        packed += body
    return bytes(packed)


def add_regions(packed: bytes, into: Rollup, wanted: frozenset[int] | None = None) -> None:
    """Add the rollups of the wanted regions of a monitor's day; the stored sum if all are wanted."""
    parts = _parts(packed)
    present = parts.keys() - {ALL_REGIONS}
    if len(present) > 1 and (wanted is None or present <= wanted):
        into.add_from(packed, parts[ALL_REGIONS])
        return
    for region in present if wanted is None else present & wanted:
        into.add_from(packed, parts[region])


def _parts(packed: bytes) -> dict[int, int]:
    """Offset of each region's rollup."""
    found, at = {}, 0
    while at < len(packed):
        region, at = varints.take(packed, at)
        size, at = varints.take(packed, at)
        found[region] = at
        at += size
    return found

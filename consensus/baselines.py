"""Latency baselines: the usual duration of each monitor in each region, in bounded memory. Pure.

Baselines are relative: 800 ms is normal for one endpoint and ten times the usual for another. A sample is slow when
it is far out of the usual spread (z > 4), and 1.5 times the median, and 100 ms above it; a monitor that is known to be
slow stays so until half of each is left (hysteresis). Samples of an outage are left out; slow passes count like any
other, so a new normal is accepted after about a day.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import exp, log
from typing import Annotated

from msgspec import Meta

from probes.checks.running_median import MEMORY, SPREAD_FLOOR, START, first, follow
from probes.message_decoder import Count, Name, Revision
from probes.wire import Result

#: Nothing is slow before this many samples were seen.
ENOUGH = 30
#: A region suspects slowness when most of its last samples are slow.
RECENT = 5
#: Series that had no sample for this long are forgotten (s).
FORGOTTEN_AFTER_S = 3 * 86_400
#: A region has no more series than this: it may make up monitors.
SERIES_MOST = 500_000
#: An older revision is late, unless nothing came of the newer one for this long: then that one was made up (s).
REVISION_HELD_S = 300
#: Series in one saved chunk.
CHUNK = 500

_MAD_TO_SIGMA = 0.6745


@dataclass(frozen=True, slots=True)
class Threshold:
    """How far out of the usual is slow: all three must hold."""

    z: float
    ratio: float
    above_us: float


SLOW = Threshold(z=4.0, ratio=1.5, above_us=100_000)
#: What still counts as slow once the monitor is known to be.
STILL_SLOW = Threshold(z=2.0, ratio=1.25, above_us=50_000)

#: The logarithm of the longest time that a message may hold is well below this.
LOG_MOST = 40
#: monitor, revision, samples seen, median and MAD of the logarithm: a series as it is saved.
Saved = tuple[
    Name,
    Revision,
    Count,
    Annotated[float, Meta(ge=0, le=LOG_MOST)],
    Annotated[float, Meta(ge=0, le=LOG_MOST)],
]


class Baselines:
    """One series for each (region, monitor), in columns: a Python object for each would cost ten times as much."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, int]] = {}
        self._revision = array("q")
        self._seen = array("H")
        self._median = array("f")
        self._spread = array("f")
        self._recent = array("f")
        self._heard_s = array("L")
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._seen) - len(self._free)

    def counts(self) -> dict[str, int]:
        """How many monitors each region has passed in the last days."""
        return {region: len(rows) for region, rows in self._rows.items()}

    def learn(self, region: str, monitor: str, revision: int, total_us: int, at_ms: int) -> bool:
        """Take a passing sample; returns whether it and most of the region's last samples are slow."""
        row = self._rows.get(region, {}).get(monitor)
        if row is None:
            if len(self._rows.get(region, ())) >= SERIES_MOST:
                return False
            row = self._add(region, monitor, revision)
        elif revision != self._revision[row]:
            if revision < self._revision[row] and at_ms // 1000 - self._heard_s[row] < REVISION_HELD_S:
                return False
            self._reset(row, revision)
        x = log(total_us) if total_us > 1 else 0.0
        seen = self._seen[row]
        self._heard_s[row] = at_ms // 1000
        self._recent[row * RECENT + seen % RECENT] = x
        if seen < START:
            self._seen[row] = seen + 1
            samples = self._recent[row * RECENT : row * RECENT + seen + 1]
            self._median[row], self._spread[row] = first(samples.tolist())
            return False
        median, spread = self._median[row], self._spread[row]
        # Past the memory only the place in the ring of recent samples is counted on.
        self._seen[row] = seen + 1 if seen < MEMORY + RECENT else MEMORY + 1
        self._median[row], self._spread[row] = follow(seen, median, spread, x)
        if seen < ENOUGH or not _is_slow(x, median, spread, SLOW):
            return False
        middle = sorted(self._recent[row * RECENT : row * RECENT + RECENT])[RECENT // 2]
        return _is_slow(middle, median, spread, SLOW)

    def is_slow(self, region: str, result: Result, threshold: Threshold) -> bool:
        """Whether an answer is slow for this region; False before there are enough samples."""
        row = self._known(region, result)
        total_us = max(result.phases.total_us, 1)
        return row is not None and _is_slow(log(total_us), self._median[row], self._spread[row], threshold)

    def usual_us(self, region: str, result: Result) -> int:
        """The median of a result's monitor in this region; 0 before there are enough samples."""
        row = self._known(region, result)
        return round(exp(self._median[row])) if row is not None else 0

    def forget_before(self, at_s: int) -> None:
        """Drop the series without a sample since then, so that memory follows what is watched."""
        for region, rows in list(self._rows.items()):
            gone = [monitor for monitor, row in rows.items() if self._heard_s[row] < at_s]
            for monitor in gone:
                self._free.append(rows.pop(monitor))
            if not rows:
                del self._rows[region]

    def chunks(self) -> list[tuple[str, int]]:
        """The arguments of `saved` that together save everything."""
        return [(region, at) for region, rows in self._rows.items() for at in range(-(-len(rows) // CHUNK))]

    def saved(self, region: str, chunk: int) -> list[Saved]:
        """One chunk of a region's series, small enough for one write."""
        return list(self._chunk(region, chunk))

    def restore(self, region: str, series: list[Saved], now_s: int) -> None:
        """Load saved series; series that have samples since stay as they are."""
        for monitor, revision, seen, median, spread in series:
            if monitor in self._rows.get(region, ()) or not spread > 0:
                continue
            row = self._add(region, monitor, revision)
            self._seen[row] = min(max(seen, 0), MEMORY)
            self._median[row], self._spread[row] = median, spread
            self._recent[row * RECENT : row * RECENT + RECENT] = array("f", [median] * RECENT)
            self._heard_s[row] = now_s

    def _known(self, region: str, result: Result) -> int | None:
        """The row of a result's series, if it is of the same configuration and long enough to go by."""
        row = self._rows.get(region, {}).get(result.monitor)
        if row is None or self._seen[row] < ENOUGH or self._revision[row] != result.revision:
            return None
        return row

    def _chunk(self, region: str, chunk: int) -> Iterator[Saved]:
        for monitor, row in islice(self._rows.get(region, {}).items(), chunk * CHUNK, (chunk + 1) * CHUNK):
            seen = min(self._seen[row], MEMORY)
            yield monitor, self._revision[row], seen, round(self._median[row], 4), round(self._spread[row], 4)

    def _add(self, region: str, monitor: str, revision: int) -> int:
        # One string a monitor, however many regions see it.
        name = sys.intern(monitor)
        if self._free:
            row = self._free.pop()
        else:
            row = len(self._seen)
            for column in (self._revision, self._seen, self._heard_s):
                column.append(0)
            self._median.append(0.0)
            self._spread.append(SPREAD_FLOOR)
            self._recent.extend([0.0] * RECENT)
        self._rows.setdefault(region, {})[name] = row
        self._reset(row, revision)
        return row

    def _reset(self, row: int, revision: int) -> None:
        self._revision[row] = revision
        self._seen[row] = 0


def _is_slow(x: float, median: float, spread: float, threshold: Threshold) -> bool:
    away = x - median
    if away <= log(threshold.ratio):
        return False
    far_out = _MAD_TO_SIGMA * away > threshold.z * max(spread, SPREAD_FLOOR)
    return far_out and exp(x) - exp(median) > threshold.above_us

"""Counts of one process: counters, gauges and histograms in memory, safe from any thread.

Kept without prometheus-client, which is imported at the first scrape: a process that nobody scrapes pays for a few
additions a batch, and for no library.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from probes.process.metrics.families import BUCKETS_S, Family

#: Series of one family at most; further ones are counted as one.
SERIES_MOST = 1_000
#: The value of a label that stands for all values that have no own one.
OTHERS = "others"

Labels = tuple[str, ...]


@dataclass(slots=True)
class Buckets:
    """One histogram: how many observations fell into each bucket, the last of which has no bound, and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    total: float = 0.0


class ProcessCounts:
    """What a process counts. Values are added per batch, never per check."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[Family, dict[Labels, float]] = {}
        self._buckets: dict[Family, dict[Labels, Buckets]] = {}

    def add(self, family: Family, *labels: str, by: float = 1.0) -> None:
        """Raise a counter."""
        self.add_each(family, {labels: by})

    def add_each(self, family: Family, counted: Mapping[Labels, float]) -> None:
        """Raise a counter by what one batch had of each series."""
        with self._lock:
            known = self._values.setdefault(family, {})
            for labels, count in counted.items():
                place = _place(known, family, labels)
                known[place] = known.get(place, 0.0) + count

    def set(self, family: Family, value: float, *labels: str) -> None:
        """Set a gauge."""
        with self._lock:
            known = self._values.setdefault(family, {})
            known[_place(known, family, labels)] = float(value)

    def observe(self, family: Family, seconds: float, *labels: str) -> None:
        """Add one observation to a histogram; what is negative, by clocks, counts as 0."""
        seconds = max(0.0, seconds)
        with self._lock:
            known = self._buckets.setdefault(family, {})
            place = _place(known, family, labels)
            buckets = known.get(place)
            if buckets is None:
                buckets = known[place] = Buckets()
            buckets.counts[bisect_left(BUCKETS_S, seconds)] += 1
            buckets.total += seconds

    def values(self) -> dict[Family, dict[Labels, float]]:
        """A copy of all counters and gauges."""
        with self._lock:
            return {family: dict(series) for family, series in self._values.items()}

    def histograms(self) -> dict[Family, dict[Labels, Buckets]]:
        """A copy of all histograms."""
        with self._lock:
            return {
                family: {labels: Buckets(list(one.counts), one.total) for labels, one in series.items()}
                for family, series in self._buckets.items()
            }


def _place(known: Mapping[Labels, object], family: Family, labels: Labels) -> Labels:
    if len(labels) != len(family.labels):
        raise ValueError(f"{family.name} has the labels {family.labels}")
    return labels if labels in known or len(known) < SERIES_MOST else (OTHERS,) * len(labels)

"""Latency charts: where the data comes from, and the same figures as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TabledPoint:
    """Figures of one time, in words."""

    at: datetime
    p95: str
    p50: str
    regions: str


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """A chart: `source` answers its series as JSON, `csv` the same figures as a file."""

    label: str
    source: str
    csv: str
    points: Sequence[TabledPoint] = ()
    loading: bool = False
    #: Address of the table, where the page does not hold its points.
    table: str = ""

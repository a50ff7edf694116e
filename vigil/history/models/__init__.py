"""History models: stored checks, objectives and reports; one noun per file, storage in one."""

from __future__ import annotations

from vigil.history.models.objective import Objective
from vigil.history.models.report import Report
from vigil.history.models.stored import (
    Chunk,
    Gap,
    GapReason,
    PackedHour,
    Position,
    Progress,
    RecordedDay,
    RecordedHour,
    RolledDay,
    RolledHours,
    SizeSample,
    Unwatched,
)

__all__ = [
    "Chunk",
    "Gap",
    "GapReason",
    "Objective",
    "PackedHour",
    "Position",
    "Progress",
    "RecordedDay",
    "RecordedHour",
    "Report",
    "RolledDay",
    "RolledHours",
    "SizeSample",
    "Unwatched",
]

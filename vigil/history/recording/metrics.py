"""Metrics of the recorder: results written and missing, and how far behind each region it reads."""

from __future__ import annotations

from probes import keys
from probes.process.metrics import families
from probes.process.metrics.counts import ProcessCounts
from vigil.history.models import GapReason
from vigil.history.recording.intake import Intake


def note_written(counts: ProcessCounts, intake: Intake) -> None:
    """Count an intake that was written. A hole of unknown size counts as one."""
    counts.add(families.RESULTS_RECORDED, by=intake.results)
    for (_, why), missing in intake.missing.items():
        counts.add(families.RESULTS_MISSING, GapReason(why).name.lower(), by=missing.results or 1)


def note_lag(counts: ProcessCounts, region: str, entry_id: str, now_ms: int) -> None:
    """Note how old the last entry was that was read of a region."""
    counts.set(families.INGEST_LAG, max(0, now_ms - keys.entry_id(entry_id)[0]) / 1000, region)

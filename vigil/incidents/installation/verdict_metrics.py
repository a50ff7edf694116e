"""Metrics of ingest: verdicts that were applied, and how long after they were written."""

from __future__ import annotations

from collections.abc import Sequence

from probes import keys
from probes.process.metrics import families
from probes.process.metrics.counts import ProcessCounts
from vigil.incidents.apply import VerdictEntry


def note_applied(counts: ProcessCounts, entries: Sequence[VerdictEntry], now_ms: int) -> None:
    """Count entries of the stream of verdicts that were applied; `now_ms` is on the clock of their stream."""
    if entries:
        counts.add(families.VERDICTS_APPLIED, by=len(entries))
        for entry in entries:
            counts.observe(families.VERDICT_LAG, (now_ms - keys.entry_id(entry.id)[0]) / 1000)

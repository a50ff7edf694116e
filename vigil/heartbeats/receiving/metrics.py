"""Metrics of a receiver of pings: how calls were answered, counted by the second."""

from __future__ import annotations

from collections import Counter

from probes.process.metrics import families
from probes.process.metrics.counts import ProcessCounts
from vigil.heartbeats.core.pings.reply import PingOutcome


def note_answers(counts: ProcessCounts, answers: Counter[PingOutcome]) -> None:
    """Count answers since the last time, which are forgotten."""
    if answers:
        counts.add_each(families.PINGS, {(answer.name.lower(),): float(count) for answer, count in answers.items()})
        answers.clear()

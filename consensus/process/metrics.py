"""Metrics of consensus: what the leader took, called for and decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from consensus.verdicts import Call, Verdict
from probes.process.metrics import families
from probes.process.metrics.counts import ProcessCounts


def note_written(counts: ProcessCounts, messages: Sequence[Call | Verdict], taken: Counter[str]) -> None:
    """Count messages that were written, and the results taken since the last time, by region, which are forgotten."""
    for message in messages:
        if isinstance(message, Verdict):
            counts.add(families.VERDICTS, message.status.value, message.reason.value)
            counts.observe(families.ROUND_LENGTH, (message.decided_ms - message.opened_ms) / 1000)
        else:
            counts.add(families.CALLS, message.cause.value)
    if taken:
        counts.add_each(families.RESULTS_FOLDED, {(region,): float(count) for region, count in taken.items()})
        taken.clear()

"""Metrics of a region worker: results by status and reason, and how late and how busy it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from probes import wire
from probes.process.metrics import families
from probes.process.metrics.counts import ProcessCounts
from probes.worker.parts import Parts


def count_results(counts: ProcessCounts, region: str, batch: Sequence[wire.Result]) -> None:
    """Count a batch that was written."""
    found = Counter((result.status, result.reason) for result in batch)
    counts.add_each(
        families.CHECKS, {(region, status.value, reason.value): count for (status, reason), count in found.items()}
    )


def count_orders(counts: ProcessCounts, batch: wire.Batch, now_ms: int) -> None:
    """Note how old a batch of checks was when it was taken."""
    if batch.checks:
        counts.observe(families.START_LAG, (now_ms - batch.checks[0].at_ms) / 1000, batch.region)


def set_gauges(counts: ProcessCounts, parts: Parts) -> None:
    """Note the load of the worker, every few seconds."""
    region, runner = parts.identity.region, parts.runner
    counts.set(families.IN_FLIGHT, runner.in_flight, region)
    counts.set(families.OLDEST_CHECK, runner.oldest_age_ms() / 1000, region)
    counts.set(families.UNPUBLISHED, parts.publisher.waiting, region)
    counts.set(families.DROPPED, parts.forwarder.dropped, region)
    counts.set(families.ALONE, parts.autonomy.alone, region)
    counts.set(families.CLOCK_OFFSET, parts.clock.offset_ms / 1000, region)

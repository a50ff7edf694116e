"""Metric families that processes count: one list with name, kind, words and labels of each.

Every label has a closed set of values: regions, statuses, reasons, kinds, outcomes. No target and no monitor is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: Upper bounds of histograms (s): from a healthy loop to one that is minutes behind.
BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class MetricKind(StrEnum):
    """What a family's samples mean."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. A counter's name is without its `_total`, which the text adds."""

    name: str
    kind: MetricKind
    text: str
    labels: tuple[str, ...] = ()


def _counter(name: str, text: str, *labels: str) -> Family:
    return Family(name, MetricKind.COUNTER, text, labels)


def _gauge(name: str, text: str, *labels: str) -> Family:
    return Family(name, MetricKind.GAUGE, text, labels)


def _histogram(name: str, text: str, *labels: str) -> Family:
    return Family(name, MetricKind.HISTOGRAM, text, labels)


# Every process
READY = _gauge("vigil_process_ready", "1 once the process has started.", "process")
TURN_AGE = _gauge("vigil_process_turn_age_seconds", "Time since the main loop last turned.", "process")
AWAY = _gauge("vigil_server_away", "1 while the process is without this server, by its last turn.", "process", "server")

# dispatch
CHECKS_SENT = _counter("vigil_checks_sent", "Checks sent to a region.", "region", "lane")
SCHEDULE_LAG = _histogram("vigil_schedule_lag_seconds", "How late the checks of a second were sent.")
ROUNDS_OPENED = _counter("vigil_rounds_opened", "Rounds opened, by what called them.", "cause")
ROUNDS_OPEN = _gauge("vigil_rounds_open", "Rounds without a verdict yet.", "process")
LEADING = _gauge("vigil_process_leading", "1 while the process leads its part.", "process")

# region workers
CHECKS = _counter("vigil_checks", "Results that a region's worker wrote.", "region", "status", "reason")
START_LAG = _histogram("vigil_check_start_lag_seconds", "Age of a batch of checks when its worker took it.", "region")
IN_FLIGHT = _gauge("vigil_checks_in_flight", "Checks that run now.", "region")
OLDEST_CHECK = _gauge("vigil_check_oldest_age_seconds", "Age of the oldest check that a worker holds.", "region")
UNPUBLISHED = _gauge("vigil_results_unpublished", "Results that Redis does not have yet.", "region")
DROPPED = _gauge("vigil_results_dropped", "Results dropped since the worker began.", "region")
ALONE = _gauge("vigil_region_autonomous", "1 while the worker hears no dispatcher and goes on alone.", "region")
CLOCK_OFFSET = _gauge("vigil_region_clock_offset_seconds", "The worker's clock minus that of Redis.", "region")

# consensus
RESULTS_FOLDED = _counter("vigil_results_folded", "Results that consensus took.", "region")
CALLS = _counter("vigil_calls", "Calls for a round, by cause.", "cause")
VERDICTS = _counter("vigil_verdicts", "Verdicts on rounds.", "status", "reason")
ROUND_LENGTH = _histogram("vigil_round_duration_seconds", "Time from the opening of a round to its verdict.")

# ingest
VERDICTS_APPLIED = _counter("vigil_verdicts_applied", "Verdicts applied to incidents.")
VERDICT_LAG = _histogram("vigil_verdict_lag_seconds", "Time from a verdict to its commit in PostgreSQL.")

# record
RESULTS_RECORDED = _counter("vigil_results_recorded", "Results written to the history.")
RESULTS_MISSING = _counter("vigil_results_missing", "Results that are, or may be, lost to the history.", "reason")
INGEST_LAG = _gauge("vigil_ingest_lag_seconds", "Age of the last result that was read of a region.", "region")

EXPORTED = _counter("vigil_results_exported", "Results for the OpenTelemetry collector.", "signal", "outcome")

# deliver
DELIVERIES = _counter("vigil_deliveries", "Attempts at deliveries, by kind of channel.", "kind", "outcome")
DELIVERY_AGE = _histogram("vigil_delivery_age_seconds", "Age of a message when it was claimed, and then accepted.")
DELIVERIES_IN_FLIGHT = _gauge("vigil_deliveries_in_flight", "Deliveries being sent now.")

# ping, mail and heartbeats
PINGS = _counter("vigil_pings", "Pings that were received, by how they were answered.", "outcome")
PINGS_APPLIED = _counter("vigil_pings_applied", "Pings that were applied to jobs.")

FAMILIES = tuple(found for found in globals().values() if isinstance(found, Family))

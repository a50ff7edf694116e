"""Metrics of canaries: money, bad answers, and the times of each region's last stream."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from probes.ai.prices import NANOS
from vigil.canaries.reading import watched_reports
from vigil.clock import database_now
from vigil.metrics.core.monitor_samples import oldest_fresh_ms
from vigil.monitors.core.result_facts import as_number
from vigil.monitors.live.results import latest_results
from vigil.monitors.models import Monitor, Region

#: Canaries with labels of their own.
CANARIES_MOST = 500
#: Metrics of a stream: the fact, its name, what it is, and how many of the fact make one of its unit.
_STREAM = (
    ("first_token_ms", "first_token_seconds", "From sending the request to the first token.", 1000),
    ("gap_p95_ms", "gap_p95_seconds", "95 % of the gaps between tokens are within this.", 1000),
    ("longest_stall_ms", "longest_stall_seconds", "The longest wait within the stream.", 1000),
    ("tokens_per_s", "tokens_per_second", "Output tokens a second after the first one.", 1),
)


class CanaryCollector(Collector):
    """Reads the canaries that have asked. Raises `django.db.Error` when PostgreSQL is away."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        found = watched_reports(CANARIES_MOST, database_now())
        money = {
            "spent_dollars": ("Spent this month (UTC).", lambda one: one.spent / NANOS),
            "reserved_dollars": ("Asked for and not counted yet.", lambda one: one.reserved / NANOS),
            "budget_dollars": ("Budget of a month.", lambda one: one.budget / NANOS),
            "stopped": ("1 while the budget of the month is spent.", lambda one: float(bool(one.stopped))),
            "bad_answers": ("Bad ones of the answers that count.", lambda one: float(one.bad)),
            "answers": ("Answers that count.", lambda one: float(len(one.window))),
        }
        for name, (words, value) in money.items():
            family = GaugeMetricFamily(f"vigil_ai_canary_{name}", words, labels=["monitor"])
            for monitor, report in found:
                family.add_metric([monitor.public_id], value(report))
            yield family
        yield from streams([monitor for monitor, _ in found])


def streams(monitors: Sequence[Monitor]) -> Iterable[GaugeMetricFamily]:
    """Times of the last stream of each region; what was not seen of late has no sample, as of one that has stopped."""
    regions = list(Region.objects.filter(enabled=True).values_list("slug", flat=True)) if monitors else []
    latest, now_ms = latest_results([one.public_id for one in monitors], regions), time.time_ns() // 1_000_000
    for fact, name, words, unit in _STREAM:
        family = GaugeMetricFamily(f"vigil_ai_canary_{name}", words, labels=["monitor", "region"])
        for monitor in monitors:
            results = latest.of(monitor.public_id)
            oldest_ms = oldest_fresh_ms(monitor.kind, monitor.interval_s, len(results), now_ms)
            for region, result in sorted(results.items()):
                number = as_number(result.facts.get(fact))
                if number is not None and result.started_ms >= oldest_ms:
                    family.add_metric([monitor.public_id, region], number / unit)
        yield family

"""Metric of the pings that the web process itself receives; those of `ping` are told by that process."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from probes.process.metrics import families
from probes.process.metrics.exposition import metric_of
from vigil.heartbeats.core.pings.reply import PingOutcome
from vigil.heartbeats.receiving.asgi import AsgiPings


class PingCollector(Collector):
    """Reads the counts of this process."""

    def collect(self) -> Iterable[Metric]:
        answers = AsgiPings.running.answers if AsgiPings.running else {}
        yield metric_of(
            families.PINGS, {(outcome.name.lower(),): float(answers.get(outcome, 0)) for outcome in PingOutcome}
        )

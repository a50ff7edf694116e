"""Text of a process's metrics in the formats that Prometheus reads."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from probes.process.metrics.counts import Buckets, Labels, ProcessCounts
from probes.process.metrics.families import BUCKETS_S, Family, MetricKind


class BuildCollector(Collector):
    """Which release a process runs; 1."""

    def __init__(self, process: str) -> None:
        self._process = process

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "vigil_build_info", "Release that this process runs.", labels=["process", "version", "python"]
        )
        family.add_metric([self._process, release(), platform.python_version()], 1)
        yield family


class CountsCollector(Collector):
    """What a process has counted."""

    def __init__(self, counts: ProcessCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        for family, series in self._counts.values().items():
            yield metric_of(family, series)
        for family, found in self._counts.histograms().items():
            yield _histogram_of(family, found)


def metric_of(family: Family, series: dict[Labels, float]) -> Metric:
    """A counter or gauge as prometheus-client has it."""
    made = CounterMetricFamily if family.kind is MetricKind.COUNTER else GaugeMetricFamily
    metric = made(family.name, family.text, labels=family.labels)
    for labels, value in sorted(series.items()):
        metric.add_metric(labels, value)
    return metric


def _histogram_of(family: Family, series: dict[Labels, Buckets]) -> Metric:
    metric = HistogramMetricFamily(family.name, family.text, labels=family.labels)
    bounds = [*(str(bound) for bound in BUCKETS_S), "+Inf"]
    for labels, one in sorted(series.items()):
        reached = list(zip(bounds, accumulate(one.counts), strict=True))
        metric.add_metric(labels, buckets=reached, sum_value=one.total)
    return metric


def release() -> str:
    """The version of the distribution; `source` in a checkout."""
    try:
        return version("vigilmon")
    except PackageNotFoundError:
        return "source"


def registry_of(process: str, *collectors: Collector) -> CollectorRegistry:
    """A registry with what every process tells, and these."""
    registry = CollectorRegistry(auto_describe=False)
    for collector in (BuildCollector(process), *collectors):
        registry.register(collector)
    return registry


def exposed(registry: CollectorRegistry, accepts: str) -> tuple[bytes, str]:
    """The text of all metrics in a format that the scraper accepts, and its content type."""
    encode, content_type = choose_encoder(accepts[:1_000])
    return encode(registry), content_type

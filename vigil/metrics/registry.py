"""Metric registry of a process: its collectors, and their text for a scraper.

A metric is a collector in a file of its own, and one line where its process builds the registry. Every label has a set
of values that no outsider can make longer.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

#: The value of a label that stands for all values that have no own one.
OTHERS = "others"


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

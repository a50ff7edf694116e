"""Metric registry of the web process: its collectors, and their text for a scraper.

A metric is a collector in a file of its own, and one line where the page builds the registry. Every label has a set of
values that no outsider can make longer.
"""

from __future__ import annotations

from probes.process.metrics.counts import OTHERS
from probes.process.metrics.exposition import exposed, registry_of

__all__ = ["OTHERS", "exposed", "registry_of"]

"""Metrics of keys, regions and fallbacks: headroom, its foretold end, access by region, readiness of chains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from vigil.access.headroom_rows import headroom_of
from vigil.access.models import KeyHeadroom, RegionAccess
from vigil.incidents.composites import wholes_of
from vigil.metrics.registry import OTHERS
from vigil.monitors.core.composite_rules import CompositeRule
from vigil.monitors.core.readiness import ReadinessReason
from vigil.monitors.models import Monitor

KEYS_MOST, CHAINS_MOST = 2_000, 200
#: Quotas with labels of their own: a region names what it counts.
_COUNTED = frozenset(
    {"requests", "tokens", "input_tokens", "output_tokens", "tokens_month", "tokens_usage_based"}
)  # fmt: skip


class KeyCollector(Collector):
    """Reads rows that ingest keeps. Raises `django.db.Error` when PostgreSQL is away."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        yield from _headroom()
        yield _regions()
        yield _readiness()


def _headroom() -> Iterable[GaugeMetricFamily]:
    left: dict[tuple[str, str], float] = {}
    minutes: dict[tuple[str, str], float] = {}
    warned = 0
    rows = KeyHeadroom.objects.filter(monitor__deleted_at=None, monitor__paused=False).select_related("monitor")
    for row in rows[:KEYS_MOST]:
        warned += row.warned
        for one in headroom_of(row).quotas:
            key = (row.monitor.provider, one.counted if one.counted in _COUNTED else OTHERS)
            if one.left is not None:
                left[key] = min(left.get(key, 1.0), one.left)
            if one.trend.minutes is not None:
                minutes[key] = min(minutes.get(key, one.trend.minutes), one.trend.minutes)
    labels = ["provider", "counted"]
    yield _family("vigil_ai_headroom_left", "Part of a quota that is left, the least of any key.", labels, left)
    told = "Minutes until a quota is used up at its slope, the soonest of any key; absent while none is foretold."
    yield _family("vigil_ai_headroom_minutes", told, labels, minutes)
    yield _family("vigil_ai_headroom_warned_keys", "Keys whose owner is warned.", [], {(): warned})


def _regions() -> GaugeMetricFamily:
    counted = RegionAccess.objects.order_by().values_list("provider", "access").annotate(Count("pk"))
    found = {(provider, access): float(count) for provider, access, count in counted}
    return _family("vigil_ai_region_access", "Regions by what they may do.", ["provider", "access"], found)


def _readiness() -> GaugeMetricFamily:
    ready = Monitor.objects.filter(composite__rule=CompositeRule.READINESS, deleted_at=None, paused=False)
    keys = list(ready.order_by("pk").values_list("pk", flat=True)[:CHAINS_MOST])
    counted = Counter(one.readiness.reason for one in wholes_of(keys))
    found = {(reason.value,): float(counted[reason]) for reason in ReadinessReason}
    return _family("vigil_ai_fallback_readiness", "Chains by what the death of the primary means.", ["reason"], found)


def _family(name: str, words: str, labels: list[str], values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family

"""Relations of monitors that are known without a query for each, so that showing them asks the database nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vigil.monitors.models import Monitor, Region


def know_as_new(monitor: Monitor, regions: Sequence[Region]) -> None:
    """Cache the relations of a new monitor, which nothing depends on yet."""
    _know(monitor, "regions", sorted({region.pk: region for region in regions}.values(), key=lambda one: one.slug))
    _know(monitor, "dependencies", [])
    monitor._state.fields_cache["believed"] = None


def know_regions(monitors: Sequence[Monitor]) -> None:
    """Read and cache the regions of monitors, which share them: a prefetch makes one anew for each monitor."""
    watched = Monitor.regions.through._default_manager.filter(monitor__in=[monitor.pk for monitor in monitors])
    pairs = list(watched.values_list("monitor_id", "region_id"))
    by_monitor: dict[int, list[Region]] = {monitor.pk: [] for monitor in monitors}
    chosen: dict[int, list[int]] = {}
    for monitor_key, region_key in pairs:
        chosen.setdefault(region_key, []).append(monitor_key)
    for region in Region.objects.filter(pk__in=chosen).order_by("slug"):
        for monitor_key in chosen[region.pk]:
            by_monitor[monitor_key].append(region)
    for monitor in monitors:
        _know(monitor, "regions", by_monitor[monitor.pk])


def regions_of(monitor: Monitor) -> list[Region]:
    """Regions of a monitor, as they are cached where they are."""
    known: Mapping[str, Any] = getattr(monitor, "_prefetched_objects_cache", {})
    return list(known["regions"] if "regions" in known else monitor.regions.all())


def _know(monitor: Monitor, name: str, rows: list[Any]) -> None:
    known: Any = getattr(monitor, name).all()
    known._result_cache, known._prefetch_done = rows, True
    monitor.__dict__.setdefault("_prefetched_objects_cache", {})[name] = known

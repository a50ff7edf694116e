"""Loads what is to be watched from PostgreSQL, as plans that are ready to send."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import structlog
from django.db.models import Prefetch

from consensus.verdicts import Sensitivity
from probes.probers import SpecError, encode_spec, parse_spec
from probes.seal import seal_secrets
from vigil.dispatch.plans import Plan, RegionPlan
from vigil.monitors.models import DerivedKind, Monitor, Region

log = structlog.get_logger()

CHUNK = 2_000

#: Domain, enabled, public key.
RegionPrint = tuple[str, bool, bytes]


def load_plans(monitors: Collection[str] | None = None) -> dict[str, Plan]:
    """The plans of these monitors (public ids), or of all: those that are watched and can be."""
    watched = Monitor.objects.filter(deleted_at=None, paused=False).exclude(kind__in=DerivedKind)
    if monitors is not None:
        watched = watched.filter(public_id__in=monitors)
    enabled = Region.objects.filter(enabled=True).order_by("slug")
    watched = watched.prefetch_related(Prefetch("regions", queryset=enabled, to_attr="enabled_regions"))
    plans = (_plan(monitor) for monitor in watched.order_by("id").iterator(chunk_size=CHUNK))
    return {plan.monitor: plan for plan in plans if plan is not None}


def load_revisions() -> dict[str, int]:
    """The revision of every watched monitor: enough to find what a lost notification would have told."""
    watched = Monitor.objects.filter(deleted_at=None, paused=False).exclude(kind__in=DerivedKind)
    return dict(watched.values_list("public_id", "revision"))


def load_regions() -> dict[str, RegionPrint]:
    """What of each region matters to plans, by slug: a change of it raises no monitor's revision."""
    rows = Region.objects.values_list("slug", "domain", "enabled", "public_key")
    return {slug: (domain, enabled, bytes(key or b"")) for slug, domain, enabled, key in rows}


def load_region_monitors(slugs: Collection[str]) -> list[str]:
    """The monitors that any of these regions watches."""
    return list(
        Monitor.objects.filter(deleted_at=None, regions__slug__in=slugs).values_list("public_id", flat=True).distinct()
    )


def _plan(monitor: Monitor) -> Plan | None:
    regions: Iterable[Region] = monitor.enabled_regions  # type: ignore[attr-defined]  # set by the prefetch
    try:
        spec = encode_spec(parse_spec(monitor.kind, monitor.config))
    except SpecError as problem:
        log.error("monitor_not_watched", monitor=monitor.public_id, problem=str(problem))
        return None
    return Plan(
        monitor=monitor.public_id,
        kind=monitor.kind,
        interval_ms=monitor.interval_s * 1000,
        timeout_ms=monitor.timeout_ms,
        spec=spec,
        regions=tuple(_region_plan(monitor, region) for region in regions),
        sensitivity=Sensitivity(monitor.sensitivity),
        revision=monitor.revision,
        target=monitor.target,
    )


def _region_plan(monitor: Monitor, region: Region) -> RegionPlan:
    if not monitor.secrets:
        return RegionPlan(region.slug, region.domain)
    if not region.public_key:
        log.warning("region_has_no_key", region=region.slug, monitor=monitor.public_id)
        return RegionPlan(region.slug, region.domain, able=False)
    return RegionPlan(region.slug, region.domain, seal_secrets(bytes(region.public_key), monitor.secrets))

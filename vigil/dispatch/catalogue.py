"""Monitor catalogue: loads watched monitors from PostgreSQL as ready plans."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import structlog
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q

from consensus.vocabulary import Sensitivity
from probes.probers import SpecError, encode_spec, read_spec
from probes.process.isolation import Isolation
from probes.seal import Sealer, binding, is_sealing_key
from probes.wire import CANARY_KIND
from vigil.accounts.sealed import Secrets
from vigil.dispatch.core.plans import Plan, RegionPlan
from vigil.dispatch.core.sites import site_of
from vigil.enrolment.models import RegionShadow
from vigil.monitors.core.targets import host_of, target_of
from vigil.monitors.models import DerivedKind, Monitor, Region

log = structlog.get_logger()

#: Monitors per part of a load: the first are dispatched while the rest is read.
CHUNK = 2_000

#: Domain, enabled, public key, whether it is in shadow.
RegionPrint = tuple[str, bool, bytes, bool]


def load_plans(
    monitors: Collection[str] | None = None, isolation: Isolation | None = None
) -> Iterator[dict[str, Plan]]:
    """Plans of these monitors (public ids), or of all, in parts; only usable ones."""
    watched = Monitor.objects.filter(deleted_at=None, paused=False).exclude(kind__in=DerivedKind)
    if monitors is not None:
        watched = watched.filter(public_id__in=monitors)
    planner = _Planner()
    # One row a monitor with its regions as an array: 100,000 monitors have 500,000 of them.
    rows = watched.annotate(region_keys=ArrayAgg("regions", filter=Q(regions__enabled=True), default=[]))
    piece: dict[str, Plan] = {}
    for values in rows.order_by("id").values_list(*_PlanRow._fields).iterator(chunk_size=CHUNK):
        row = _PlanRow(*values)
        if isolation is None:
            plan = planner.plan(row)
        else:
            plan = isolation.attempt("plan", partial(planner.plan, row), None, row.public_id)
        if plan is not None:
            piece[plan.monitor] = plan
        if len(piece) >= CHUNK:
            yield piece
            piece = {}
    yield piece


def load_revisions() -> dict[str, int]:
    """Revision of every watched monitor: enough to find missed notifications."""
    watched = Monitor.objects.filter(deleted_at=None, paused=False).exclude(kind__in=DerivedKind)
    return dict(watched.values_list("public_id", "revision"))


def load_regions() -> dict[str, RegionPrint]:
    """Plan-relevant fields of each region, by slug: their change does not raise a monitor's revision."""
    rows = Region.objects.values_list("slug", "domain", "enabled", "public_key")
    shadows = _in_shadow()
    return {slug: (domain, enabled, bytes(key or b""), slug in shadows) for slug, domain, enabled, key in rows}


def _in_shadow() -> frozenset[str]:
    return frozenset(RegionShadow.objects.filter(voting_since=None).values_list("region__slug", flat=True))


def load_region_monitors(slugs: Collection[str]) -> list[str]:
    """Monitors of any of these regions."""
    return list(
        Monitor.objects.filter(deleted_at=None, regions__slug__in=slugs).values_list("public_id", flat=True).distinct()
    )


class _PlanRow(NamedTuple):
    """Columns of a monitor; model instances would double the cost."""

    public_id: str
    kind: str
    config: dict[str, Any]
    secrets: Secrets
    interval_s: int
    timeout_ms: int
    sensitivity: str
    revision: int
    region_keys: list[int]


class _Planner:
    """Builds plans that share equal parts, such as regions."""

    def __init__(self) -> None:
        self._regions = {region.pk: region for region in Region.objects.filter(enabled=True)}
        shadows = _in_shadow()
        self._bare = {
            pk: RegionPlan(region.slug, region.domain, shadow=region.slug in shadows)
            for pk, region in self._regions.items()
        }
        self._keys = {region.slug: bytes(region.public_key or b"") for region in self._regions.values()}
        self._sets: dict[tuple[int, ...], tuple[RegionPlan, ...]] = {}

    def plan(self, row: _PlanRow) -> Plan | None:
        """Plan of a monitor; None, with a log line, if its configuration is unusable."""
        try:
            spec = encode_spec(read_spec(row.kind, row.config))
        except SpecError as problem:
            log.error("monitor.not_watched", monitor=row.public_id, problem=str(problem))
            return None
        target, regions = target_of(row.config), self._assigned(row, spec)
        turns = 1
        if row.kind == CANARY_KIND:
            # They take turns: each has its own every so many intervals. What has no vote is not worth the money.
            regions = tuple(region for region in regions if not region.shadow)
            turns = max(1, len(regions))
        return Plan(
            monitor=row.public_id,
            kind=row.kind,
            interval_ms=row.interval_s * 1000 * turns,
            timeout_ms=row.timeout_ms,
            spec=spec,
            regions=regions,
            sensitivity=Sensitivity(row.sensitivity),
            revision=row.revision,
            target=target,
            host=host_of(target),
            site=site_of(host_of(target)),
        )

    def _assigned(self, row: _PlanRow, spec: bytes) -> tuple[RegionPlan, ...]:
        assigned = tuple(key for key in row.region_keys if key in self._regions)
        if assigned not in self._sets:
            ordered = sorted(assigned, key=lambda key: self._regions[key].slug)
            bare = tuple(self._bare[key] for key in ordered)
            # A monitor that only new regions check has none to wait for.
            is_theirs = all(region.shadow for region in bare)
            self._sets[assigned] = tuple(replace(region, shadow=False) for region in bare) if is_theirs else bare
        bare = self._sets[assigned]
        return tuple(self._with_secrets(row, spec, region) for region in bare) if row.secrets else bare

    def _with_secrets(self, row: _PlanRow, spec: bytes, region: RegionPlan) -> RegionPlan:
        seals = sealer(self._keys[region.slug])
        if seals is None:
            log.warning("region.no_key", region=region.slug, monitor=row.public_id)
            return replace(region, able=False)
        bound = binding(region.slug, row.public_id, row.kind, spec)
        return replace(region, sealed=seals.seal_secrets(row.secrets, bound))


@lru_cache(maxsize=256)
def sealer(public_key: bytes) -> Sealer | None:
    """One sealer for each region's key and process: an unchanged monitor has the same box and plan.

    None for what is no key: a region chose it, and the others check on.
    """
    return Sealer(public_key) if is_sealing_key(public_key) else None

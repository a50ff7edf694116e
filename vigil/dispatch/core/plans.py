"""Check plans: a monitor's schedule and encoded spec, ready to send. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from consensus.verdicts import Round
from consensus.vocabulary import Sensitivity
from probes.wire import CANARY_PREFIX, WIRE_VERSION, Check

#: A check not started this long after its slot is missed; less for short intervals.
LATEST_START_MS = 30_000


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """A region of a monitor, with secrets sealed to its key. Not `able`: it has secrets but no key, so cannot check.

    In `shadow` it checks and has no vote.
    """

    slug: str
    domain: str
    sealed: bytes = b""
    able: bool = True
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A monitor, ready to check. `regions` are in order of slug; `spec` is encoded."""

    monitor: str
    kind: str
    interval_ms: int
    timeout_ms: int
    spec: bytes
    regions: tuple[RegionPlan, ...]
    sensitivity: Sensitivity
    revision: int
    #: What is checked; monitors of one target share a budget.
    target: str = ""
    #: Its host and port, on which a region limits concurrent checks.
    host: str = ""
    #: What it belongs to and may fail with.
    site: str = ""

    def region(self, slug: str) -> RegionPlan | None:
        return next((region for region in self.regions if region.slug == slug), None)


def scheduled_check(plan: Plan, region: RegionPlan, at_ms: int) -> Check:
    """Check of one slot. After a quarter of the timeout without an answer it is reported as overdue."""
    return Check(
        v=WIRE_VERSION,
        monitor=plan.monitor,
        kind=plan.kind,
        at_ms=at_ms,
        expires_ms=at_ms + min(plan.interval_ms, LATEST_START_MS),
        timeout_ms=plan.timeout_ms,
        spec=msgspec.Raw(plan.spec),
        sealed=region.sealed,
        soft_ms=plan.timeout_ms // 4,
        revision=plan.revision,
        target=plan.host,
        every_ms=plan.interval_ms,
    )


def canary_check(plan: Plan, region: RegionPlan, at_ms: int) -> Check:
    """Check of one slot of a canary: for once, so that no region goes on with it, and in a round that is none."""
    return Check(
        v=WIRE_VERSION,
        monitor=plan.monitor,
        kind=plan.kind,
        at_ms=at_ms,
        expires_ms=at_ms + LATEST_START_MS,
        timeout_ms=plan.timeout_ms,
        spec=msgspec.Raw(plan.spec),
        sealed=region.sealed,
        round=f"{CANARY_PREFIX}{at_ms}",
        revision=plan.revision,
        target=plan.host,
    )


@dataclass(frozen=True, slots=True)
class LookOrder:
    """A look of a round: when it starts, and the latest start."""

    round: str
    look: int
    at_ms: int
    expires_ms: int


def confirming_check(plan: Plan, region: RegionPlan, order: LookOrder) -> Check:
    """Check of one look of a round."""
    return Check(
        v=WIRE_VERSION,
        monitor=plan.monitor,
        kind=plan.kind,
        at_ms=order.at_ms,
        expires_ms=order.expires_ms,
        timeout_ms=plan.timeout_ms,
        spec=msgspec.Raw(plan.spec),
        sealed=region.sealed,
        round=order.round,
        look=order.look,
        revision=plan.revision,
        target=plan.host,
    )


def look_orders(plan: Plan, round: Round, look: int) -> list[tuple[str, Check]]:
    """The checks of one look of a round, each with the region that it goes to."""
    at_ms = round.looks_ms[look - 1]
    order = LookOrder(round.id, look, at_ms, at_ms + round.look_length_ms - plan.timeout_ms)
    regions = (plan.region(elector.region) for elector in round.electorate)
    return [(region.slug, confirming_check(plan, region, order)) for region in regions if region is not None]

"""What dispatch knows of a monitor: everything that a check or a round needs, ready to send. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from consensus.vocabulary import Sensitivity
from probes.wire import WIRE_VERSION, Check

#: A check not started this long after it was due is missed; shorter for shorter intervals.
LATEST_START_MS = 30_000


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """A region that is assigned to a monitor, and the monitor's secrets sealed to that region's key.

    Not `able` when the monitor has secrets and the region no key yet: it is assigned, and cannot look.
    """

    slug: str
    domain: str
    sealed: bytes = b""
    able: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """One monitor, ready to be checked. `regions` are in the order of their slugs; `spec` is encoded."""

    monitor: str
    kind: str
    interval_ms: int
    timeout_ms: int
    spec: bytes
    regions: tuple[RegionPlan, ...]
    sensitivity: Sensitivity
    revision: int
    #: What is looked at, so that the monitors of one target share a budget.
    target: str = ""
    #: The host and port in it: what a region looks at with so many checks at once, and no more.
    host: str = ""

    def region(self, slug: str) -> RegionPlan | None:
        return next((region for region in self.regions if region.slug == slug), None)


def scheduled_check(plan: Plan, region: RegionPlan, at_ms: int) -> Check:
    """The check of one slot. A quarter of the timeout without an answer is reported as overdue."""
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


@dataclass(frozen=True, slots=True)
class LookOrder:
    """Which look of which round, when, and until when it can still be started."""

    round: str
    look: int
    at_ms: int
    expires_ms: int


def confirming_check(plan: Plan, region: RegionPlan, order: LookOrder) -> Check:
    """The check of one look of a round."""
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

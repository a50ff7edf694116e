"""Merge of one check over IPv4 and one over IPv6 into one observation. Pure."""

from __future__ import annotations

from dataclasses import replace

from probes.prober import Observation, printable
from probes.reasons import Status
from probes.wire import Fact

VERSIONS = (4, 6)
_WORSE = {Status.UP: 0, Status.DEGRADED: 1, Status.DOWN: 2}


def labelled(seen: Observation, version: int) -> Observation:
    """The observation with the family that was asked for among its facts."""
    return replace(seen, facts={**seen.facts, "family": f"IPv{version}"})


def merged_families(over_4: Observation, over_6: Observation) -> Observation:
    """One observation of both, with both shown.

    A family that this region cannot see leaves the other's word. One that fails beside one that works is degraded:
    most callers get through, and some do not. When both fail, the worse one is told.
    """
    both = {4: over_4, 6: over_6}
    facts: dict[str, Fact] = {f"ipv{version}": _shown(seen) for version, seen in both.items()}
    known = {version: seen for version, seen in both.items() if seen.status is not Status.UNKNOWN}
    if not known:
        return replace(over_4, facts={**over_4.facts, **facts})
    worst = max(known, key=lambda version: _WORSE[known[version].status])
    best = min(known, key=lambda version: _WORSE[known[version].status])
    seen = known[worst]
    facts = {**seen.facts, **facts, "family": f"IPv{worst}"}
    detail = f"over IPv{worst}: {seen.detail}" if seen.detail else ""
    if seen.status is Status.DOWN and known[best].status is not Status.DOWN:
        detail = f"fails over IPv{worst}, and works over IPv{best}: {seen.detail}"
        return replace(seen, status=Status.DEGRADED, detail=printable(detail), facts=facts)
    if seen.status is Status.UP:
        # The slower one, since a caller may get either.
        slow = max(known.values(), key=lambda each: each.phases.total_us)
        both_well = {"family": "IPv4 and IPv6"} if len(known) == len(VERSIONS) else {}
        return replace(slow, facts={**slow.facts, **facts, **both_well})
    return replace(seen, detail=printable(detail), facts=facts)


def _shown(seen: Observation) -> str:
    address = f" {seen.facts['address']}" if seen.facts.get("address") else ""
    took = f", {seen.phases.total_us / 1000:.1f} ms" if seen.status is Status.UP else ""
    why = "" if seen.status is Status.UP else f", {seen.reason.value.replace('_', ' ')}"
    return f"{seen.status.value}{address}{why}{took}"

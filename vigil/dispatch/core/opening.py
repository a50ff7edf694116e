"""Round opening: voters, looks and their times, for a call. Pure; the clock is an argument."""

from __future__ import annotations

from collections.abc import Mapping

from consensus.verdicts import VERDICT_VERSION, Call, Elector, Excluded, Round
from consensus.vocabulary import Exclusion, Sensitivity
from probes.wire import RegionStatus
from vigil.dispatch.core.plans import Plan, RegionPlan

#: Regions with a larger clock offset have no vote.
CLOCK_SKEW_MS = 5_000
SECOND_ATTEMPT_MS = 1_000
#: Allowance for the way to the region and back.
GRACE_MS = 1_500

#: Oldest observation that a call may be about: results older than that call for nothing.
SUSPECTED_MOST_MS = 600_000

LOOKS_MS = {
    Sensitivity.HIGH: (0,),
    Sensitivity.NORMAL: (0, 10_000),
    Sensitivity.LOW: (0, 30_000, 60_000),
}


def look_length_ms(timeout_ms: int) -> int:
    """Length of a look: one timeout, the second attempt's delay, and the allowance."""
    return timeout_ms + SECOND_ATTEMPT_MS + GRACE_MS


def round_id(monitor: str, opened_ms: int) -> str:
    """Derived id of a round: a monitor opens at most one in a millisecond."""
    return f"rnd_{monitor.removeprefix('mon_')}_{opened_ms:x}"


def open_round(
    plan: Plan, call: Call, statuses: Mapping[str, RegionStatus], now_ms: int, other_sites: int = 0
) -> Round:
    """Open a round in every assigned region that can vote; others are listed with the reason.

    `other_sites` counts what can be compared with this target.
    """
    electorate: list[Elector] = []
    excluded: list[Excluded] = []
    for region in plan.regions:
        why = ineligible(region, statuses.get(region.slug))
        if why is None:
            electorate.append(Elector(region.slug, region.domain))
        else:
            excluded.append(Excluded(region.slug, region.domain, why))
    return Round(
        v=VERDICT_VERSION,
        id=round_id(plan.monitor, now_ms),
        monitor=plan.monitor,
        cause=call.cause,
        caller=call.region,
        opened_ms=now_ms,
        sensitivity=plan.sensitivity,
        # A region in shadow must not raise how many votes are needed.
        assigned=sum(not region.shadow for region in plan.regions),
        electorate=electorate,
        excluded=excluded,
        looks_ms=[now_ms + after_ms for after_ms in LOOKS_MS[plan.sensitivity]],
        look_length_ms=look_length_ms(plan.timeout_ms),
        revision=plan.revision,
        # A region says when it saw it, and may say anything: an incident is to begin neither later nor long before.
        suspected_ms=min(max(call.at_ms, now_ms - SUSPECTED_MOST_MS), now_ms),
        site=plan.site,
        other_sites=other_sites,
    )


def ineligible(region: RegionPlan, status: RegionStatus | None) -> Exclusion | None:
    """Why a region may not vote; None when it may. The status of a dark region expires."""
    if status is None:
        return Exclusion.DARK
    if abs(status.clock_offset_ms) > CLOCK_SKEW_MS:
        return Exclusion.CLOCK_SKEW
    if status.is_adrift:
        return Exclusion.ANCHORS
    if not region.able:
        return Exclusion.PROBE_ERROR
    return Exclusion.SHADOW if region.shadow else None

"""How a call becomes a round: who may vote, how many looks, when. Pure; the clock is an argument."""

from __future__ import annotations

from collections.abc import Mapping

from consensus.verdicts import VERDICT_VERSION, Call, Elector, Excluded, Round
from consensus.vocabulary import Exclusion, Sensitivity
from probes.wire import RegionStatus
from vigil.dispatch.core.plans import Plan, RegionPlan

#: A region whose clock is further off than this has no vote.
CLOCK_SKEW_MS = 5_000
#: The second of a vote's two attempts starts this long after the first.
SECOND_ATTEMPT_MS = 1_000
#: What the way to the region and back may take on top of the attempts.
GRACE_MS = 1_500

#: When each look starts, counted from the opening of the round.
LOOKS_MS = {
    Sensitivity.HIGH: (0,),
    Sensitivity.NORMAL: (0, 10_000),
    Sensitivity.LOW: (0, 30_000, 60_000),
}


def look_length_ms(timeout_ms: int) -> int:
    """A look lasts one timeout, the second attempt's delay, and the way there and back."""
    return timeout_ms + SECOND_ATTEMPT_MS + GRACE_MS


def round_id(monitor: str, opened_ms: int) -> str:
    """The derived id of a round: one monitor opens at most one round in a millisecond."""
    return f"rnd_{monitor.removeprefix('mon_')}_{opened_ms:x}"


def open_round(plan: Plan, call: Call, statuses: Mapping[str, RegionStatus], now_ms: int) -> Round:
    """Open a round in every assigned region that can see; the others are named with the reason."""
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
        assigned=len(plan.regions),
        electorate=electorate,
        excluded=excluded,
        looks_ms=[now_ms + after_ms for after_ms in LOOKS_MS[plan.sensitivity]],
        look_length_ms=look_length_ms(plan.timeout_ms),
        revision=plan.revision,
        suspected_ms=call.at_ms,
    )


def ineligible(region: RegionPlan, status: RegionStatus | None) -> Exclusion | None:
    """Why a region may not vote, or None when it may. Its status expires by itself when it goes dark."""
    if status is None:
        return Exclusion.DARK
    if abs(status.clock_offset_ms) > CLOCK_SKEW_MS:
        return Exclusion.CLOCK_SKEW
    if status.is_adrift:
        return Exclusion.ANCHORS
    return None if region.able else Exclusion.PROBE_ERROR

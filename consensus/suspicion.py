"""Suspicion: scheduled results that contradict the belief, and so call for a round. Pure."""

from __future__ import annotations

from consensus.verdicts import Belief
from consensus.vocabulary import Cause, Observed, observed
from probes.reasons import Reason, Status
from probes.wire import Result

#: Dissent seen in this many rounds is known, and no new suspicion.
KNOWN_AFTER_ROUNDS = 2
#: After one passing round since DOWN, the next is called this much later, or when an incident may be resolved.
RECHECK_MS = 15_000
RECHECK_SOONEST_MS = 3_000
RESOLVABLE_AFTER_MS = 60_000
#: A monitor that too few regions could vote on is asked about again this much later.
BLIND_RECHECK_MS = 30_000
#: A monitor about which regions are known to differ is asked about again this much later.
DISSENT_RECHECK_MS = 300_000

_CAUSES = {
    Observed.PASSING: Cause.SUCCESS,
    Observed.DEGRADED: Cause.DEGRADED,
    Observed.ACCOUNT: Cause.FAILURE,
    Observed.FAILING: Cause.FAILURE,
}


def expected(belief: Belief | None) -> Observed | None:
    """What a region should see if the belief is right; None while nothing is known of the monitor."""
    if belief is None:
        return Observed.PASSING
    return Observed.ACCOUNT if belief.account else observed(belief.status, Reason.OK)


def suspicion(belief: Belief | None, region: str, result: Result) -> Cause | None:
    """Why a scheduled result of `region` calls for a round, or None when it is what was expected there.

    A region that is a known dissenter is expected to go on seeing what it saw; that it sees anything else is news.
    """
    should = expected(belief)
    dissent = belief.dissent.get(region) if belief else None
    known = dissent.saw if dissent and dissent.rounds >= KNOWN_AFTER_ROUNDS else None
    if result.reason is Reason.OVERDUE:
        # Where it is known to be slow or worse, that it takes longer than usual is no news.
        return Cause.OVERDUE if should in (None, Observed.PASSING) and known is None else None
    saw = observed(result.status, result.reason)
    if saw is None:
        return None
    if should is None:
        return Cause.FIRST_LOOK
    if belief is not None and belief.passed_rounds and saw is Observed.PASSING:
        # A recovery that has begun is asked about again in its own time.
        return None
    if saw is should:
        return _CAUSES[saw] if dissent else None
    return _CAUSES[saw] if saw is not known else None


def recheck_due_ms(belief: Belief) -> int | None:
    """When a monitor should be asked about again without a suspicion, or None when it need not be.

    No region could see it; or it is recovering; or regions dissent, which are silent by rule: when another region falls
    out, they may be a quorum.
    """
    if belief.blind:
        return belief.round_ms + BLIND_RECHECK_MS
    if belief.passed_rounds == 0 or belief.status in (Status.UP, Status.UNKNOWN):
        return belief.round_ms + DISSENT_RECHECK_MS if belief.dissent else None
    usual = belief.round_ms + RECHECK_MS
    resolvable = max(belief.since_ms + RESOLVABLE_AFTER_MS, belief.round_ms + RECHECK_SOONEST_MS)
    return min(usual, resolvable)

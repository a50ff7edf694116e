"""Outcome of a round: which results count as votes, and the verdict that carries a decision. Pure."""

from __future__ import annotations

from consensus.quorum import Decision
from consensus.review.explain import explain
from consensus.verdicts import VERDICT_VERSION, Round, Verdict, Vote
from consensus.vocabulary import Exclusion
from probes.wire import Result

#: A result may be dated this long before its round was opened, or after it arrived: clocks differ that much.
CLOCK_SKEW_MS = 5_000


def barred(round: Round, result: Result, at_ms: int) -> Exclusion | None:
    """Why a result that came in time does not count: it looked at something else, or at an impossible time."""
    if result.revision != round.revision:
        return Exclusion.CONFIG_STALE
    possible = round.opened_ms - CLOCK_SKEW_MS <= result.started_ms <= at_ms + CLOCK_SKEW_MS
    return None if possible else Exclusion.CLOCK_SKEW


def verdict_of(round: Round, decision: Decision, votes: list[Vote], now_ms: int, closed: int = 0) -> Verdict:
    """The message that carries a decision with all its evidence."""
    ordered = sorted(votes, key=lambda vote: (vote.look, vote.region))
    return Verdict(
        v=VERDICT_VERSION,
        round=round.id,
        monitor=round.monitor,
        status=decision.status,
        reason=decision.reason,
        failure=decision.failure,
        decided_ms=now_ms,
        opened_ms=round.opened_ms,
        suspected_ms=round.suspected_ms,
        n=decision.n,
        m=decision.m,
        k=decision.k,
        domains=decision.domains,
        votes=ordered,
        excluded=list(decision.excluded),
        dissent=list(decision.dissent),
        sensitivity=round.sensitivity,
        cause=round.cause,
        explanation=explain(round, decision, ordered),
        revision=round.revision,
        assigned=sorted({one.region for one in round.electorate} | {one.region for one in round.excluded}),
        electorate=list(round.electorate),
        looks_ms=list(round.looks_ms),
        closed=closed,
    )

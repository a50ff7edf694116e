"""Replay of a decision from its evidence: as it was, or with another sensitivity or other regions. Pure."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from msgspec.structs import replace

from consensus.quorum import Decision, decide
from consensus.review.explain import explain
from consensus.verdicts import VERDICT_VERSION, Elector, Round, Verdict
from consensus.vocabulary import Sensitivity

#: How many looks each sensitivity wants.
LOOKS = {Sensitivity.HIGH: 1, Sensitivity.NORMAL: 2, Sensitivity.LOW: 3}


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision from the votes. Without one, the round would have gone on; `note` says why, for people."""

    decision: Decision | None
    explanation: str
    note: str = ""


def round_of(verdict: Verdict) -> Round:
    """The round that a verdict decided, as far as the quorum rule reads it.

    Evidence from before the electorate was stored names voters only: no other region can be in it.
    """
    voted = {vote.region: vote.domain for vote in verdict.votes}
    at_first = [one for one in verdict.excluded if one.look == 0]
    electorate = verdict.electorate or [Elector(region, domain) for region, domain in sorted(voted.items())]
    looks = max([1, *(vote.look for vote in verdict.votes)])
    return Round(
        v=VERDICT_VERSION,
        id=verdict.round,
        monitor=verdict.monitor,
        cause=verdict.cause,
        caller="",
        opened_ms=verdict.opened_ms,
        sensitivity=verdict.sensitivity,
        assigned=verdict.n,
        electorate=electorate,
        excluded=at_first,
        looks_ms=verdict.looks_ms or [verdict.opened_ms] * looks,
        look_length_ms=0,
        revision=verdict.revision,
        suspected_ms=verdict.suspected_ms,
    )


def replay(verdict: Verdict) -> Replayed:
    """The decision again, from the votes alone."""
    return _judge(round_of(verdict), verdict, verdict.closed)


def replay_as(verdict: Verdict, sensitivity: Sensitivity | None, regions: Set[str] | None) -> Replayed:
    """The decision that another sensitivity, or another set of regions, gives from the same votes.

    Where that would have taken looks that this round never came to there is no decision; the explanation is then of the
    looks that there were.
    """
    round = round_of(verdict)
    if regions is not None:
        round = _of(round, regions)
    wanted = LOOKS[sensitivity] if sensitivity else len(round.looks_ms)
    starts = (round.looks_ms + [round.looks_ms[-1]] * wanted)[:wanted]
    round = replace(round, sensitivity=sensitivity or round.sensitivity, looks_ms=starts)
    there_were = max([1, verdict.closed, *(vote.look for vote in verdict.votes)])
    found = _judge(round, verdict, min(verdict.closed, wanted))
    if found.decision is not None:
        return found
    if wanted > there_were:
        seen = _judge(replace(round, looks_ms=starts[:there_were]), verdict, there_were)
        note = f"Not decided: {round.sensitivity} wants {wanted} looks, and this round had {there_were}."
        return Replayed(None, seen.explanation, note)
    at_deadline = _judge(round, verdict, wanted)
    note = "These votes alone had not decided it yet: this is how it stood at its deadline."
    return Replayed(at_deadline.decision, at_deadline.explanation, note)


def is_as_stored(verdict: Verdict, replayed: Replayed) -> bool:
    """Whether a replay gave the stored decision."""
    found = replayed.decision
    if found is None:
        return False
    stored = Decision(
        status=verdict.status,
        reason=verdict.reason,
        n=verdict.n,
        m=verdict.m,
        k=verdict.k,
        domains=verdict.domains,
        failure=verdict.failure,
        dissent=tuple(verdict.dissent),
        excluded=tuple(verdict.excluded),
    )
    return stored == found and replayed.explanation == verdict.explanation


def _judge(round: Round, verdict: Verdict, closed: int) -> Replayed:
    votes = [vote for vote in verdict.votes if vote.look <= len(round.looks_ms)]
    decision = decide(round, votes, closed, verdict.rule)
    if decision is None:
        return Replayed(None, "Not decided: the round would have gone on.")
    return Replayed(decision, explain(round, decision, votes))


def _of(round: Round, regions: Set[str]) -> Round:
    electorate = [elector for elector in round.electorate if elector.region in regions]
    excluded = [one for one in round.excluded if one.region in regions]
    return replace(round, electorate=electorate, excluded=excluded, assigned=len(electorate) + len(excluded))

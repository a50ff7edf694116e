"""Dissent: regions that contradict the quorum; lasting dissent is a regional incident. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from consensus.verdicts import Dissent, Verdict
from consensus.vocabulary import Exclusion, Observed, observed
from probes.reasons import Status
from vigil.incidents.core.model import BelievedState, Effect, IncidentKind, Move, Step, StepReason, believed

#: Exclusions whose fault is the region's own, although it checks.
QUARANTINES = frozenset({Exclusion.SICK, Exclusion.ANCHORS})
#: Rounds of dissent before a regional incident.
REGIONAL_ROUNDS = 2


def count_dissent(effect: Effect, verdict: Verdict, *, changed: bool) -> Effect:
    """Count dissenting regions, and open or resolve the regional incident."""
    state = effect.state
    expected = believed(state)
    if expected is None:
        return effect
    seen = _last_votes(verdict)
    before = {} if changed else state.dissent
    # A region that was not waited for keeps its dissent. One that could not vote, or is unassigned, loses it: silent
    # dissenters could form a quorum by_domain.
    unheard = set(verdict.assigned) - {one.region for one in verdict.excluded} - seen.keys()
    dissent = {region: old for region, old in before.items() if region in unheard}
    lost_domains = _failing_domains(verdict, seen)
    for region, what in seen.items():
        if what is not expected:
            old = before.get(region)
            rounds = old.rounds + 1 if old and old.saw is what else 1
            # All regions of a domain at once locate the fault well enough.
            whole = what is Observed.FAILING and region in lost_domains
            dissent[region] = Dissent(what, REGIONAL_ROUNDS if whole else min(rounds, REGIONAL_ROUNDS))
    move = _regional_move(replace(state, dissent=dissent), verdict, bool(lost_domains))
    if verdict.status is Status.UNKNOWN:
        # Without a quorum against them they may be the quorum of the next round.
        dissent = {region: Dissent(each.saw, 1) for region, each in dissent.items()}
    state = replace(state, dissent=dissent)
    if move is None:
        return replace(effect, state=state)
    regional = move.step is Step.OPENED
    return replace(effect, state=replace(state, regional=regional), moves=(*effect.moves, move))


def _regional_move(state: BelievedState, verdict: Verdict, whole_domain: bool) -> Move | None:
    """Regional incident step: opened after lasting dissent, resolved when no region fails alone."""
    failing = [each for each in state.dissent.values() if each.saw is Observed.FAILING]
    lasting = state.status is Status.UP and any(each.rounds >= REGIONAL_ROUNDS for each in failing)
    if lasting == state.regional or (state.regional and state.status is Status.UP and failing):
        return None
    if lasting:
        why = StepReason.WHOLE_DOMAIN_FAILS if whole_domain else StepReason.MINORITY_FAILS
        return Move(IncidentKind.REGIONAL, Step.OPENED, why, min(verdict.suspected_ms, verdict.decided_ms))
    if state.status is not Status.UP:
        return Move(IncidentKind.REGIONAL, Step.RESOLVED, StepReason.BECAME_OUTAGE)
    left_out = any(one.why in QUARANTINES for one in verdict.excluded)
    why = StepReason.MINORITY_EXCLUDED if left_out else StepReason.MINORITY_RECOVERED
    return Move(IncidentKind.REGIONAL, Step.RESOLVED, why)


def _failing_domains(verdict: Verdict, seen: Mapping[str, Observed]) -> frozenset[str]:
    """Regions of domains in which two or more regions may vote, and all fail."""
    electors = {one.region: one.domain for one in verdict.electorate}
    by_domain: dict[str, list[str]] = {}
    for region, domain in electors.items():
        by_domain.setdefault(domain, []).append(region)
    return frozenset(
        region
        for regions in by_domain.values()
        if len(regions) > 1 and all(seen.get(region) is Observed.FAILING for region in regions)
        for region in regions
    )


def _last_votes(verdict: Verdict) -> dict[str, Observed]:
    """Last counted vote of each region."""
    left_out = {one.region for one in verdict.excluded if one.look == 0}
    votes: dict[str, Observed] = {}
    for vote in sorted(verdict.votes, key=lambda vote: vote.look):
        what = observed(vote.status, vote.reason)
        if what is not None and not vote.barred and vote.region not in left_out:
            votes[vote.region] = what
    return votes

"""Quorum rule: what the votes of a round prove. Pure; the same votes decide the same in any order, repeated or not.

For each look, of the regions that may still vote (m):  k = floor(m/2) + 1, and a quorum spans more than half of the
failure domains present; where the monitor has three domains or more it spans two at least, so that no domain decides
alone, whichever others are silent. A round passes when a quorum passes any look; it fails when the same quorum fails
every look. Fewer than half of the monitor's regions prove nothing, unless the others have lost their own way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from msgspec.structs import replace

from consensus.verdicts import RULE_VERSION, Excluded, Round, Vote
from consensus.vocabulary import OWN_WAY, Exclusion, Observed, VerdictReason, observed
from probes.reasons import Reason, Status

NOT_PASSING = frozenset({Observed.FAILING, Observed.DEGRADED, Observed.ACCOUNT})

#: Which of two conflicting results of one region and look counts: either success is a pass.
_RANK = {Status.UP: 0, Status.DEGRADED: 1, Status.DOWN: 2, Status.UNKNOWN: 3}

_EXCLUSIONS = {
    Reason.MISSED: Exclusion.MISSED,
    Reason.BLOCKED: Exclusion.BLOCKED,
    Reason.GEO_BLOCKED: Exclusion.GEO_BLOCKED,
    Reason.INTERFERED: Exclusion.INTERFERED,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision, with the figures of the look that decided."""

    status: Status
    reason: VerdictReason
    n: int
    m: int
    k: int
    domains: int
    failure: Reason
    dissent: tuple[str, ...]
    excluded: tuple[Excluded, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """One look, counted. `complete` when no region can vote in it any more."""

    look: int
    votes: Mapping[str, Observed]
    domain_of: Mapping[str, str]
    m: int
    k: int
    enough: bool
    fewest_domains: int
    complete: bool
    excluded: tuple[Excluded, ...]

    @property
    def domains(self) -> int:
        return len(set(self.domain_of.values()))

    def regions(self, kinds: Set[Observed]) -> frozenset[str]:
        return frozenset(region for region, what in self.votes.items() if what in kinds)

    def is_quorum(self, regions: Set[str]) -> bool:
        """At least k regions in more than half of the domains of all who may vote, and in enough of them."""
        spanned = len({self.domain_of[region] for region in regions})
        return self.enough and len(regions) >= self.k and 2 * spanned > self.domains and spanned >= self.fewest_domains


def fewest_votes(assigned: int) -> int:
    """m_min: with fewer eligible votes than this there is no verdict. n = 1 is allowed, n = 2 needs both."""
    return assigned if assigned <= 2 else max(2, (assigned + 1) // 2)


def are_enough(round: Round, m: int, rule: int = RULE_VERSION) -> bool:
    """Whether m votes may decide: m_min of them, or two where as many regions or more have lost their own way."""
    if m >= fewest_votes(round.assigned):
        return m > 0
    lost = sum(one.why in OWN_WAY for one in round.excluded)
    return rule >= 3 and m >= 2 and lost >= m


def fewest_domains(round: Round, rule: int = RULE_VERSION) -> int:
    """How many domains a quorum spans at least: two where the monitor has three or more (from the second rule on)."""
    domains = {elector.domain for elector in round.electorate} | {one.domain for one in round.excluded}
    return 2 if rule >= 2 and len(domains) >= 3 else 1


def without(round: Round, quarantined: Mapping[str, Exclusion]) -> Round:
    """The round without the votes of these regions: they leave its electorate, each with the reason."""
    lost = [elector for elector in round.electorate if elector.region in quarantined]
    if not lost:
        return round
    kept = [elector for elector in round.electorate if elector.region not in quarantined]
    excluded = [Excluded(elector.region, elector.domain, quarantined[elector.region]) for elector in lost]
    return replace(round, electorate=kept, excluded=[*round.excluded, *excluded])


def merge(votes: Iterable[Vote]) -> dict[tuple[int, str], Vote]:
    """One vote for each look and region, whatever the order and number of copies."""
    best: dict[tuple[int, str], Vote] = {}
    for vote in votes:
        key = (vote.look, vote.region)
        if key not in best or _precedence(vote) < _precedence(best[key]):
            best[key] = vote
    return best


def decide(round: Round, votes: Iterable[Vote], closed: int, rule: int = RULE_VERSION) -> Decision | None:
    """Judge a round by the votes so far; None while more votes could still change the answer.

    `closed` counts the looks (from the first) whose deadline has passed: a region that has not voted in them has no
    vote. `rule` is the version of the law that is applied, for what was decided under an earlier one.

    1. A quorum passes any look: UP.
    2. A look that can no longer have enough votes: UNKNOWN.
    3. The same quorum fails every look: DOWN, as soon as that is certain.
    4. A look in which no quorum of either kind is possible any more: UNKNOWN, split.
    5. All looks complete: the same quorum is not passing in each: ACCOUNT or DEGRADED, else UNKNOWN, not lasting.
    """
    merged = merge(votes)
    spread = fewest_domains(round, rule)
    tallies = [
        _tally(round, merged, (look, closed >= look, spread, rule)) for look in range(1, len(round.looks_ms) + 1)
    ]
    for tally in tallies:
        if tally.is_quorum(tally.regions({Observed.PASSING})):
            return _decision(round, tally, merged, Status.UP, VerdictReason.QUORUM_PASSED)
    for tally in tallies:
        if not tally.enough:
            return _decision(round, tally, merged, Status.UNKNOWN, VerdictReason.TOO_FEW_VOTES)
    failing = _in_every_look(tallies, {Observed.FAILING})
    if all(tally.is_quorum(failing) for tally in tallies):
        return _decision(round, tallies[-1], merged, Status.DOWN, VerdictReason.QUORUM_FAILED)
    for tally in tallies:
        if tally.complete and not tally.is_quorum(tally.regions(NOT_PASSING)):
            return _decision(round, tally, merged, Status.UNKNOWN, _why_split(tally))
    if not all(tally.complete for tally in tallies):
        return None
    ailing = _in_every_look(tallies, NOT_PASSING)
    if not all(tally.is_quorum(ailing) for tally in tallies):
        return _decision(round, tallies[-1], merged, Status.UNKNOWN, VerdictReason.NOT_LASTING)
    account = sum(tallies[-1].votes[region] is Observed.ACCOUNT for region in ailing)
    reason = VerdictReason.ACCOUNT if 2 * account > len(ailing) else VerdictReason.QUORUM_DEGRADED
    return _decision(round, tallies[-1], merged, Status.DEGRADED, reason)


def _tally(round: Round, merged: Mapping[tuple[int, str], Vote], of: tuple[int, bool, int, int]) -> Tally:
    look, closed, spread, rule = of
    said: dict[str, Observed] = {}
    domain_of: dict[str, str] = {}
    excluded: list[Excluded] = []
    for elector in round.electorate:
        vote = merged.get((look, elector.region))
        what = _counted(vote)
        why = why_no_vote(vote, closed) if what is None else None
        if why is not None:
            excluded.append(Excluded(elector.region, elector.domain, why, look))
            continue
        domain_of[elector.region] = elector.domain
        if what is not None:
            said[elector.region] = what
    m = len(domain_of)
    enough = are_enough(round, m, rule)
    return Tally(look, said, domain_of, m, m // 2 + 1, enough, spread, len(said) == m, tuple(excluded))


def _counted(vote: Vote | None) -> Observed | None:
    return None if vote is None or vote.barred else observed(vote.status, vote.reason)


def why_no_vote(vote: Vote | None, closed: bool = True) -> Exclusion | None:
    """Why a region without a counted result has no vote; None while it may still vote."""
    if vote is None:
        return Exclusion.NO_ANSWER if closed else None
    return vote.barred or _EXCLUSIONS.get(vote.reason, Exclusion.PROBE_ERROR)


def _in_every_look(tallies: Sequence[Tally], kinds: Set[Observed]) -> frozenset[str]:
    return frozenset.intersection(*(tally.regions(kinds) for tally in tallies))


def _why_split(tally: Tally) -> VerdictReason:
    largest = max(len(tally.regions({Observed.PASSING})), len(tally.regions(NOT_PASSING)))
    return VerdictReason.DOMAINS if largest >= tally.k else VerdictReason.SPLIT


def _decision(
    round: Round, tally: Tally, merged: Mapping[tuple[int, str], Vote], status: Status, reason: VerdictReason
) -> Decision:
    passing = tally.regions({Observed.PASSING})
    ailing = tally.regions(NOT_PASSING)
    dissent = passing if status in (Status.DOWN, Status.DEGRADED) else ailing
    electors = {elector.region for elector in round.electorate}
    reasons = Counter(
        vote.reason for vote in merged.values() if vote.region in electors and _counted(vote) in NOT_PASSING
    )
    failure = min(reasons, key=lambda reason: (-reasons[reason], reason), default=Reason.OK)
    return Decision(
        status=status,
        reason=reason,
        n=round.assigned,
        m=tally.m,
        k=tally.k,
        domains=tally.domains,
        failure=failure,
        dissent=tuple(sorted(dissent)),
        excluded=(*round.excluded, *tally.excluded),
    )


def _precedence(vote: Vote) -> tuple[str, int, str, int, str]:
    """Sort key: counted results before barred ones; every difference that a decision can show breaks a tie."""
    return vote.barred or "", _RANK[vote.status], vote.reason, vote.at_ms, vote.detail

"""Laws of `decide` over any round: total, deterministic, free of order and copies, monotone, and no domain's alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consensus.quorum import decide, fewest_domains, fewest_votes, without
from consensus.review.explain import explain
from consensus.verdicts import Elector, Excluded, Round, Vote
from consensus.vocabulary import OWN_WAY, Exclusion, Observed, Sensitivity, VerdictReason, observed
from probes.reasons import Reason, Status
from probes.wire import Phases
from tests.consensus.examples import SEEN, make_round, make_vote

SAW = st.sampled_from(sorted(SEEN))
WHY = st.sampled_from(Exclusion)
LOOKS = {Sensitivity.HIGH: 1, Sensitivity.NORMAL: 2, Sensitivity.LOW: 3}


@dataclass(frozen=True)
class Election:
    """A round, votes in it, and how many of its looks are past."""

    round: Round
    votes: tuple[Vote, ...]
    closed: int

    @property
    def looks(self) -> int:
        return len(self.round.looks_ms)

    def with_votes(self, votes: Sequence[Vote]) -> Election:
        return Election(self.round, tuple(votes), self.closed)

    def counted(self, look: int, *kinds: Observed) -> set[str]:
        """Who said one of these in a look, by hand: any pass of a region beats its failures."""
        rank = [Observed.PASSING, Observed.DEGRADED, Observed.ACCOUNT, Observed.FAILING]
        best: dict[str, Observed] = {}
        electors = {elector.region for elector in self.round.electorate}
        for vote in self.votes:
            saw = observed(vote.status, vote.reason)
            if vote.look != look or vote.barred or saw is None or vote.region not in electors:
                continue
            if vote.region not in best or rank.index(saw) < rank.index(best[vote.region]):
                best[vote.region] = saw
        return {region for region, saw in best.items() if saw in kinds}


@st.composite
def elections(draw: st.DrawFn, copies: bool = False, mostly: str = "") -> Election:
    """Any round: domains shared and not, regions left out from the start, in a look, barred, or silent."""
    domains = {f"r{index}": draw(st.sampled_from("abcde")) for index in range(draw(st.integers(1, 7)))}
    left_out = {region for region in domains if draw(st.integers(0, 6)) == 0}
    round = make_round(domains, draw(st.sampled_from(Sensitivity)))
    round = replace(
        round,
        electorate=[one for one in round.electorate if one.region not in left_out],
        excluded=[Excluded(region, domains[region], draw(WHY)) for region in sorted(left_out)],
    )
    votes = []
    for look in range(1, len(round.looks_ms) + 1):
        for region in domains:
            for _ in range(draw(st.integers(0, 2 if copies else 1))):
                barred = draw(st.sampled_from([None, None, None, Exclusion.CONFIG_STALE, Exclusion.CLOCK_SKEW]))
                said = mostly if mostly and draw(st.integers(0, 3)) else draw(SAW)
                votes.append(replace(make_vote(region, said, look, domains), barred=barred))
    return Election(round, tuple(votes), draw(st.integers(0, len(round.looks_ms))))


def any_vote() -> st.SearchStrategy[Vote]:
    """Votes that no round has any business with, too."""
    return st.builds(
        Vote,
        region=st.sampled_from(["r0", "r1", "r2", "elsewhere", ""]),
        domain=st.sampled_from(["a", "b", ""]),
        look=st.integers(-1, 5),
        status=st.sampled_from(Status),
        reason=st.sampled_from(Reason),
        at_ms=st.integers(-(2**40), 2**60),
        phases=st.just(Phases()),
        barred=st.sampled_from([None, *Exclusion]),
    )


@given(elections(), st.lists(any_vote(), max_size=20), st.integers(-1, 9))
def test_it_is_total_and_says_why(election: Election, junk: list[Vote], closed: int) -> None:
    round, votes = election.round, [*election.votes, *junk]
    decision = decide(round, votes, closed)

    if closed >= election.looks:
        assert decision is not None
    if decision is not None:
        assert explain(round, decision, votes)
        assert (decision.n, decision.k) == (round.assigned, decision.m // 2 + 1)
        assert 0 <= decision.domains <= decision.m <= len(round.electorate)


@given(elections(copies=True), st.data())
def test_order_and_copies_change_nothing(election: Election, data: st.DataObject) -> None:
    copies = [vote for vote in election.votes if data.draw(st.booleans())]
    shuffled = [*election.votes, *copies]
    data.draw(st.randoms(use_true_random=False)).shuffle(shuffled)

    decision = decide(election.round, election.votes, election.closed)
    assert decide(election.round, shuffled, election.closed) == decision
    electorate = data.draw(st.permutations(election.round.electorate))
    again = decide(replace(election.round, electorate=electorate), shuffled, election.closed)
    assert (again and (again.status, again.reason, again.m, again.dissent)) == (
        decision and (decision.status, decision.reason, decision.m, decision.dissent)
    )


@given(elections())
def test_what_does_not_count_changes_nothing(election: Election) -> None:
    electors = {elector.region for elector in election.round.electorate}
    counted = [vote for vote in election.votes if vote.region in electors]

    with_all = decide(election.round, election.votes, election.looks)
    assert with_all == decide(election.round, counted, election.looks)
    silent = [vote for vote in counted if not vote.barred]
    without_barred = decide(election.round, silent, election.looks)
    assert with_all is not None
    assert without_barred is not None
    assert (with_all.status, with_all.reason, with_all.m) == (
        without_barred.status,
        without_barred.reason,
        without_barred.m,
    )


@given(elections(copies=True))
def test_down_and_up_have_their_quorum_by_hand(election: Election) -> None:
    decision = decide(election.round, election.votes, election.looks)
    assert decision is not None
    domain_of = {elector.region: elector.domain for elector in election.round.electorate}
    everybody = tuple(Observed)
    # Of regions that have lost their own way, as many as those that vote are as good as missing: two may decide.
    lost = sum(one.why in OWN_WAY for one in election.round.excluded)

    def is_quorum(regions: set[str], look: int) -> bool:
        voters = election.counted(look, *everybody)
        enough = len(voters) >= fewest_votes(election.round.assigned) or lost >= len(voters) >= 2
        spanned, present = {domain_of[each] for each in regions}, {domain_of[each] for each in voters}
        return (
            enough
            and 2 * len(regions) > len(voters)
            and 2 * len(spanned) > len(present)
            and len(spanned) >= fewest_domains(election.round)
        )

    looks = range(1, election.looks + 1)
    if decision.status is Status.DOWN:
        same = set.intersection(*(election.counted(look, Observed.FAILING) for look in looks))
        assert all(is_quorum(same, look) for look in looks)
    passes = any(is_quorum(election.counted(look, Observed.PASSING), look) for look in looks)
    assert (decision.status is Status.UP) is passes


def turned(election: Election, data: st.DataObject, status: Status, saw: str) -> list[Vote]:
    """The votes, with some of those that say `status` saying `saw` instead."""
    votes = list(election.votes)
    for index, vote in enumerate(election.votes):
        if vote.status is status and data.draw(st.booleans()):
            other = make_vote(vote.region, saw, vote.look, {vote.region: vote.domain})
            votes[index] = replace(other, barred=vote.barred)
    return votes


@given(elections(copies=True, mostly="fail"), st.data(), st.sampled_from(["fail", "timeout"]))
def test_turning_a_pass_into_a_failure_never_turns_down_into_up(
    election: Election, data: st.DataObject, saw: str
) -> None:
    before = decide(election.round, election.votes, election.closed)
    after = decide(election.round, turned(election, data, Status.UP, saw), election.closed)

    if before is not None and before.status is Status.DOWN:
        assert after is not None and after.status is Status.DOWN
    if after is not None and after.status is Status.UP:
        assert before is not None and before.status is Status.UP


@given(elections(copies=True, mostly="pass"), st.data())
def test_turning_a_failure_into_a_pass_never_turns_up_into_down(election: Election, data: st.DataObject) -> None:
    before = decide(election.round, election.votes, election.closed)
    after = decide(election.round, turned(election, data, Status.DOWN, "pass"), election.closed)

    if before is not None and before.status is Status.UP:
        assert after is not None and after.status is Status.UP
    if after is not None and after.status is Status.DOWN:
        assert before is not None and before.status is Status.DOWN


@given(st.one_of(elections(mostly="pass"), elections(mostly="fail")), st.data())
def test_an_early_word_stands_or_is_taken_back_for_want_of_votes(election: Election, data: st.DataObject) -> None:
    some = [vote for vote in election.votes if data.draw(st.booleans())]
    early = decide(election.round, some, 0)
    last = decide(election.round, election.votes, election.looks)
    assert last is not None

    if early is not None and early.status in (Status.UP, Status.DOWN):
        assert last.status in (early.status, Status.UNKNOWN)


@st.composite
def one_domain_lies(draw: st.DrawFn) -> tuple[Round, list[str], list[str]]:
    """Three domains or more; the regions of one of them, and those of the others."""
    domains = {"r0": "a", "r1": "b", "r2": "c"}
    domains |= {f"r{index}": draw(st.sampled_from("abcd")) for index in range(3, draw(st.integers(3, 7)))}
    liars = draw(st.sampled_from("abc"))
    round = make_round(domains, draw(st.sampled_from(Sensitivity)))
    theirs = [region for region, domain in domains.items() if domain == liars]
    return round, theirs, [region for region in domains if region not in theirs]


@given(one_domain_lies(), st.sampled_from(["pass", "fail"]), st.data())
def test_no_domain_of_three_or_more_decides_against_the_others_or_alone(
    world: tuple[Round, list[str], list[str]], truth: str, data: st.DataObject
) -> None:
    round, liars, honest = world
    domains = {elector.region: elector.domain for elector in round.electorate}
    looks = range(1, len(round.looks_ms) + 1)
    votes = [make_vote(region, data.draw(SAW), look, domains) for region in liars for look in looks]
    # The others say the truth, or nothing: they are cut off, late, or in quarantine themselves.
    votes += [
        make_vote(region, truth, look, domains) for region in honest for look in looks if data.draw(st.booleans())
    ]
    lost = {region: Exclusion.SICK for region in honest if data.draw(st.integers(0, 4)) == 0}

    decision = decide(without(round, lost), votes, len(round.looks_ms))

    assert decision is not None
    assert decision.status is not (Status.DOWN if truth == "pass" else Status.UP)


@given(elections(), st.data())
def test_a_quarantine_is_the_same_as_no_vote_from_the_start(election: Election, data: st.DataObject) -> None:
    regions = [elector.region for elector in election.round.electorate]
    held = {region: Exclusion.SICK for region in regions if data.draw(st.booleans())}
    quarantined = without(election.round, held)

    assert quarantined.assigned == election.round.assigned
    assert {one.region for one in quarantined.excluded} >= held.keys()
    kept = [vote for vote in election.votes if vote.region not in held]
    assert decide(quarantined, election.votes, election.closed) == decide(quarantined, kept, election.closed)


@pytest.mark.parametrize(
    ("rule", "status", "reason"),
    [(1, Status.DOWN, VerdictReason.QUORUM_FAILED), (2, Status.UNKNOWN, VerdictReason.DOMAINS)],
)
def test_under_the_second_rule_one_domain_left_alone_decides_nothing(
    rule: int, status: Status, reason: VerdictReason
) -> None:
    domains = {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "c1": "c"}
    round = make_round(domains)
    round = replace(
        round,
        electorate=[Elector(region, "a") for region in ("a1", "a2", "a3")],
        excluded=[Excluded("b1", "b", Exclusion.DARK), Excluded("c1", "c", Exclusion.DARK)],
    )
    votes = [make_vote(region, "fail", 1, domains) for region in ("a1", "a2", "a3")]

    decision = decide(round, votes, 1, rule)

    assert decision is not None
    assert (decision.status, decision.reason) == (status, reason)


def test_of_two_barred_copies_the_same_one_is_named_whichever_came_first() -> None:
    round = make_round({"r0": "a", "r1": "b", "r2": "c"})
    vote = make_vote("r0", "fail", 1, {"r0": "a"})
    barred = [replace(vote, barred=why) for why in (Exclusion.CONFIG_STALE, Exclusion.CLOCK_SKEW)]

    assert decide(round, barred, 1) == decide(round, barred[::-1], 1)

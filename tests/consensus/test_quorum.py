"""The law, as a table of cases and as properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.quorum import Decision, decide, fewest_votes
from consensus.vocabulary import Exclusion, Sensitivity, VerdictReason
from probes.reasons import Reason, Status
from tests.consensus.examples import FIVE_REGIONS, SEEN, make_round, make_vote

R = VerdictReason


def judge(*looks: str, closed: int | None = None, **round_options: object) -> Decision | None:
    """Decide from looks written as `eu-west:fail us-east:pass`; closes every look unless told otherwise."""
    sensitivity = {1: Sensitivity.HIGH, 2: Sensitivity.NORMAL, 3: Sensitivity.LOW}[len(looks)]
    regions = round_options.pop("regions", FIVE_REGIONS)
    votes = [
        make_vote(region, saw, number, regions)  # type: ignore[arg-type]
        for number, look in enumerate(looks, start=1)
        for region, saw in (word.split(":") for word in look.split())
    ]
    round = make_round(regions, sensitivity, **round_options)  # type: ignore[arg-type]
    return decide(round, votes, len(looks) if closed is None else closed)


ALL_FAIL = "ap-south:fail eu-north:fail eu-west:fail us-east:fail us-west:fail"
ALL_PASS = ALL_FAIL.replace("fail", "pass")
THREE_FAIL = "ap-south:fail eu-north:fail eu-west:fail us-east:pass us-west:pass"


@pytest.mark.parametrize(
    ("looks", "status", "reason"),
    [
        pytest.param([ALL_FAIL], Status.DOWN, R.QUORUM_FAILED, id="every region fails"),
        pytest.param([ALL_PASS], Status.UP, R.QUORUM_PASSED, id="every region passes"),
        pytest.param([THREE_FAIL], Status.DOWN, R.QUORUM_FAILED, id="three of five in three of four domains"),
        pytest.param(
            ["eu-west:fail us-east:fail ap-south:fail eu-north:pass us-west:pass"],
            Status.UNKNOWN,
            R.DOMAINS,
            id="three of five in only half of the domains",
        ),
        pytest.param(
            ["eu-west:fail us-east:fail ap-south:pass eu-north:pass us-west:pass"],
            Status.UP,
            R.QUORUM_PASSED,
            id="a whole domain fails and never pages",
        ),
        pytest.param(
            [
                "eu-north:fail us-west:fail eu-west:pass us-east:missed ap-south:missed",
                "eu-north:fail us-west:fail eu-west:pass us-east:pass ap-south:pass",
            ],
            Status.UNKNOWN,
            R.DOMAINS,
            id="who was a quorum of three is none of five",
        ),
        pytest.param(
            ["eu-west:fail us-east:fail ap-south:fail eu-north:fail us-west:missed"],
            Status.DOWN,
            R.QUORUM_FAILED,
            id="a missed check leaves the denominator",
        ),
        pytest.param(
            ["ap-south:fail eu-north:fail us-west:pass eu-west:pass"],
            Status.UNKNOWN,
            R.SPLIT,
            id="an even split is neither",
        ),
        pytest.param(["ap-south:fail eu-north:fail"], Status.UNKNOWN, R.TOO_FEW_VOTES, id="two votes of five"),
        pytest.param(
            ["ap-south:fail eu-north:fail us-west:fail"],
            Status.DOWN,
            R.QUORUM_FAILED,
            id="three votes of five are enough",
        ),
        pytest.param(
            ["ap-south:blocked eu-north:blocked eu-west:blocked us-east:blocked us-west:blocked"],
            Status.UNKNOWN,
            R.TOO_FEW_VOTES,
            id="no region may look",
        ),
        pytest.param(
            ["ap-south:interfered eu-north:interfered eu-west:fail us-east:pass us-west:pass"],
            Status.UP,
            R.QUORUM_PASSED,
            id="two regions behind a censor do not help one that fails",
        ),
        pytest.param(
            ["ap-south:geo eu-north:geo eu-west:interfered us-east:fail us-west:fail"],
            Status.UNKNOWN,
            R.TOO_FEW_VOTES,
            id="most regions are kept out, so the others prove nothing",
        ),
        pytest.param([ALL_FAIL, ALL_FAIL], Status.DOWN, R.QUORUM_FAILED, id="both looks fail"),
        pytest.param([ALL_FAIL, ALL_PASS], Status.UP, R.QUORUM_PASSED, id="the second look clears the first"),
        pytest.param(
            [THREE_FAIL, "ap-south:pass eu-north:fail eu-west:fail us-east:fail us-west:fail"],
            Status.UNKNOWN,
            R.NOT_LASTING,
            id="other regions fail in the second look",
        ),
        pytest.param([ALL_FAIL, ALL_FAIL, ALL_FAIL], Status.DOWN, R.QUORUM_FAILED, id="all three looks fail"),
        pytest.param([ALL_FAIL.replace("fail", "slow")], Status.DEGRADED, R.QUORUM_DEGRADED, id="slow everywhere"),
        pytest.param(
            ["ap-south:fail eu-north:fail eu-west:slow us-east:slow us-west:pass"],
            Status.DEGRADED,
            R.QUORUM_DEGRADED,
            id="some fail, some are slow",
        ),
        pytest.param([ALL_FAIL.replace("fail", "auth")], Status.DEGRADED, R.ACCOUNT, id="the key is bad everywhere"),
        pytest.param(
            ["ap-south:auth eu-north:auth eu-west:auth us-east:fail us-west:fail"],
            Status.DEGRADED,
            R.ACCOUNT,
            id="mostly the key",
        ),
    ],
)
def test_the_law(looks: list[str], status: Status, reason: VerdictReason) -> None:
    decision = judge(*looks)

    assert decision is not None
    assert (decision.status, decision.reason) == (status, reason)


@pytest.mark.parametrize(("assigned", "fewest"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (6, 3), (7, 4)])
def test_the_fewest_votes_for_a_verdict(assigned: int, fewest: int) -> None:
    assert fewest_votes(assigned) == fewest


def test_one_region_alone_may_decide() -> None:
    decision = judge("eu-west:fail", regions={"eu-west": "aws"})

    assert decision is not None
    assert (decision.status, decision.m, decision.k) == (Status.DOWN, 1, 1)


def test_of_two_regions_both_must_fail() -> None:
    two = {"eu-west": "aws", "us-west": "hetzner"}
    one, both = judge("eu-west:fail us-west:pass", regions=two), judge("eu-west:fail us-west:fail", regions=two)

    assert one is not None
    assert both is not None
    assert (one.reason, both.status) == (R.SPLIT, Status.DOWN)


def test_of_two_regions_one_alone_proves_nothing() -> None:
    decision = judge("eu-west:fail us-west:missed", regions={"eu-west": "aws", "us-west": "hetzner"})

    assert decision is not None
    assert decision.reason is R.TOO_FEW_VOTES


def test_a_look_is_decided_as_soon_as_the_whole_electorate_could_not_change_it() -> None:
    assert judge("ap-south:fail eu-north:fail", closed=0) is None
    early = judge("ap-south:fail eu-north:fail us-west:fail", closed=0)

    assert early is not None
    assert (early.status, early.m, early.k) == (Status.DOWN, 5, 3)


def test_passing_votes_of_one_domain_do_not_clear_a_round_early() -> None:
    regions = {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "c1": "c"}

    assert judge("a1:pass a2:pass a3:pass", regions=regions, closed=0) is None


def test_a_dark_region_counts_as_assigned() -> None:
    three = {region: FIVE_REGIONS[region] for region in ("ap-south", "eu-north", "eu-west")}
    enough = judge("ap-south:fail eu-north:fail eu-west:fail", regions=three, assigned=5)
    few = judge("ap-south:fail eu-north:fail eu-west:fail", regions=three, assigned=7)

    assert enough is not None
    assert few is not None
    assert (enough.status, few.reason) == (Status.DOWN, R.TOO_FEW_VOTES)


def test_who_did_not_vote_is_named_with_the_reason() -> None:
    decision = judge("ap-south:fail eu-north:fail us-west:fail us-east:missed")

    assert decision is not None
    assert {(one.region, one.why) for one in decision.excluded} == {
        ("us-east", Exclusion.MISSED),
        ("eu-west", Exclusion.NO_ANSWER),
    }


def test_the_commonest_reason_is_the_failure() -> None:
    decision = judge("ap-south:timeout eu-north:timeout eu-west:fail us-east:pass us-west:timeout")

    assert decision is not None
    assert decision.failure is Reason.TIMEOUT


def test_either_success_of_a_region_is_a_pass() -> None:
    decision = judge("ap-south:fail ap-south:pass eu-north:fail eu-west:fail us-east:pass us-west:pass")

    assert decision is not None
    assert decision.status is Status.UP


def test_half_of_the_problems_being_the_account_is_not_most_of_them() -> None:
    half = judge("ap-south:auth eu-north:auth eu-west:fail us-west:fail us-east:pass")
    most = judge("ap-south:auth eu-north:auth eu-west:auth us-west:fail us-east:pass")

    assert half is not None
    assert most is not None
    assert (half.reason, most.reason) == (R.QUORUM_DEGRADED, R.ACCOUNT)


@pytest.mark.parametrize(
    ("saw", "dissent"),
    [
        (THREE_FAIL, ("us-east", "us-west")),
        (THREE_FAIL.replace("fail", "slow"), ("us-east", "us-west")),
        ("ap-south:fail eu-north:pass eu-west:pass us-east:slow us-west:pass", ("ap-south", "us-east")),
    ],
)
def test_who_contradicts_the_decision_is_named(saw: str, dissent: tuple[str, ...]) -> None:
    decision = judge(saw)

    assert decision is not None
    assert decision.dissent == dissent


def test_a_monitor_without_regions_is_unknown() -> None:
    decision = judge("", regions={}, closed=0)

    assert decision is not None
    assert (decision.status, decision.reason, decision.m) == (Status.UNKNOWN, R.TOO_FEW_VOTES, 0)


# -- laws ------------------------------------------------------------------------------------------------------------

SAW = st.sampled_from(sorted(SEEN))
DOMAIN = st.sampled_from("abcd")


@st.composite
def elections(draw: st.DrawFn):  # type: ignore[no-untyped-def]
    regions = {f"r{index}": draw(DOMAIN) for index in range(draw(st.integers(1, 7)))}
    sensitivity = draw(st.sampled_from(list(Sensitivity)))
    round = make_round(regions, sensitivity, assigned=len(regions) + draw(st.integers(0, 2)))
    looks = range(1, len(round.looks_ms) + 1)
    votes = [make_vote(region, draw(SAW), look, regions) for look in looks for region in regions if draw(st.booleans())]
    return round, votes


@given(elections(), st.data())
def test_order_and_repetition_change_nothing(election, data) -> None:  # type: ignore[no-untyped-def]
    round, votes = election
    again = data.draw(st.permutations(votes + [vote for vote in votes if data.draw(st.booleans())]))

    assert decide(round, again, 3) == decide(round, votes, 3)


@given(elections())
def test_a_closed_round_is_always_decided(election) -> None:  # type: ignore[no-untyped-def]
    round, votes = election

    assert decide(round, votes, len(round.looks_ms)) is not None


@given(elections())
def test_down_needs_the_same_quorum_in_every_look(election) -> None:  # type: ignore[no-untyped-def]
    round, votes = election
    decision = decide(round, votes, len(round.looks_ms))
    assert decision is not None
    if decision.status is not Status.DOWN:
        return

    failing = [
        {vote.region for vote in votes if vote.look == look and vote.reason in (Reason.REFUSED, Reason.TIMEOUT)}
        for look in range(1, len(round.looks_ms) + 1)
    ]
    voters = {vote.region for vote in votes if vote.look == len(round.looks_ms) and vote.status is not Status.UNKNOWN}
    domain_of = {elector.region: elector.domain for elector in round.electorate}
    same = set.intersection(*failing)
    assert len(same) > len(voters) // 2
    assert len(voters) >= fewest_votes(round.assigned)
    assert 2 * len({domain_of[region] for region in same}) > len({domain_of[region] for region in voters})


@given(elections(), st.data())
def test_an_early_decision_stands_when_more_votes_come(election, data) -> None:  # type: ignore[no-untyped-def]
    round, votes = election
    some = [vote for vote in votes if data.draw(st.booleans())]
    early = decide(round, some, 0)
    if early is None or early.status is Status.UNKNOWN:
        return

    final = decide(round, votes, len(round.looks_ms))
    assert final is not None
    assert final.status in (early.status, Status.UNKNOWN) or {early.status, final.status} != {Status.UP, Status.DOWN}


@given(elections(), st.data())
def test_turning_a_pass_into_a_failure_never_turns_down_into_up(election, data) -> None:  # type: ignore[no-untyped-def]
    round, votes = election
    before = decide(round, votes, len(round.looks_ms))
    passing = [index for index, vote in enumerate(votes) if vote.status is Status.UP]
    if before is None or before.status is not Status.DOWN or not passing:
        return
    index = data.draw(st.sampled_from(passing))
    regions = {elector.region: elector.domain for elector in round.electorate}
    worse = list(votes)
    worse[index] = make_vote(votes[index].region, "fail", votes[index].look, regions)

    after = decide(round, worse, len(round.looks_ms))
    assert after is not None
    assert after.status is Status.DOWN


@given(elections())
def test_one_region_alone_can_neither_open_nor_close_where_three_domains_vote(election) -> None:  # type: ignore[no-untyped-def]
    round, _ = election
    if len({elector.domain for elector in round.electorate}) < 3:
        return
    liar = round.electorate[0].region
    for saw in ("fail", "pass"):
        others = "pass" if saw == "fail" else "fail"
        regions = {elector.region: elector.domain for elector in round.electorate}
        looks = range(1, len(round.looks_ms) + 1)
        cast = [
            make_vote(region, saw if region == liar else others, look, regions) for region in regions for look in looks
        ]
        decision = decide(round, cast, len(round.looks_ms))
        assert decision is not None
        assert decision.status is not (Status.DOWN if saw == "fail" else Status.UP)

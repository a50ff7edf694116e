"""A decision comes out of its evidence again, and shows what others would have made of the same votes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consensus.review.evidence import from_evidence, to_evidence
from consensus.review.replay import is_as_stored, replay, replay_as
from consensus.review.vote_table import as_json, vote_rows, why_in_words
from consensus.rounds import RoundBook
from consensus.verdicts import Verdict
from consensus.vocabulary import Exclusion, Sensitivity, VerdictReason
from probes.reasons import Status
from tests.consensus.examples import FIVE_REGIONS, make_result, make_round

REGIONS = sorted(FIVE_REGIONS)
ALL_FAIL: dict[str, list[str | None]] = {region: ["fail"] * 3 for region in REGIONS}
SAW = st.sampled_from(["pass", "fail", "timeout", "slow", "auth", "missed", "blocked", None])


def held(
    saw: dict[str, list[str | None]],
    sensitivity: Sensitivity = Sensitivity.NORMAL,
    quarantined: dict[str, Exclusion] | None = None,
) -> Verdict:
    """The verdict of a round in which each region saw this in each look; None is no answer."""
    book, round = RoundBook(), make_round(sensitivity=sensitivity, caller="eu-west")
    book.quarantined = quarantined or {}
    found = [book.open(round, round.opened_ms)]
    for look, start_ms in enumerate(round.looks_ms, start=1):
        found += book.due(start_ms)
        for region, seen in saw.items():
            if seen[look - 1] is not None:
                vote = make_result(str(seen[look - 1]), round.id, look, start_ms)
                found.append(book.vote(region, vote, start_ms + 400, start_ms + 400))
    found += book.due(round.looks_ms[-1] + round.look_length_ms)
    (verdict,) = [one for one in found if one is not None]
    return verdict


@st.composite
def rounds(draw: st.DrawFn) -> Verdict:
    sensitivity = draw(st.sampled_from(Sensitivity))
    saw = {region: draw(st.lists(SAW, min_size=3, max_size=3)) for region in REGIONS}
    quarantined = {region: Exclusion.SICK for region in REGIONS if draw(st.integers(0, 5)) == 0}
    return held(saw, sensitivity, quarantined)


@given(rounds())
def test_every_decision_comes_out_of_its_stored_evidence_again(verdict: Verdict) -> None:
    stored = from_evidence(json.loads(json.dumps(to_evidence(verdict))))

    assert stored == verdict
    assert is_as_stored(stored, replay(stored))


@given(rounds(), st.sampled_from(Sensitivity), st.sets(st.sampled_from(REGIONS), min_size=1))
def test_any_supposition_has_an_answer_in_words(verdict: Verdict, sensitivity: Sensitivity, regions: set[str]) -> None:
    supposed = replay_as(verdict, sensitivity, regions)

    assert supposed.explanation
    assert supposed.decision is not None or supposed.note
    if supposed.decision is not None:
        assert supposed.decision.n <= len(regions)


@given(rounds())
def test_supposing_what_was_changes_nothing(verdict: Verdict) -> None:
    supposed = replay_as(verdict, verdict.sensitivity, set(REGIONS))

    assert supposed.decision is not None
    assert (supposed.decision.status, supposed.decision.reason) == (verdict.status, verdict.reason)


@given(rounds())
def test_the_table_has_every_region_and_says_of_each_whether_it_counted(verdict: Verdict) -> None:
    lines = vote_rows(verdict)

    assert {line.region for line in lines} == set(REGIONS)
    assert all(bool(line.why_not) != (line.counted_as is not None) for line in lines)
    assert all(why_in_words(line) and json.dumps(as_json(line)) for line in lines)


FAILING: dict[str, list[str | None]] = {region: ["fail", "pass", "pass"] for region in REGIONS}


@pytest.mark.parametrize(
    ("sensitivity", "status"), [(Sensitivity.HIGH, Status.DOWN), (Sensitivity.NORMAL, Status.UP), (None, Status.UP)]
)
def test_a_blip_of_one_look_had_paged_with_high_sensitivity(sensitivity: Sensitivity | None, status: Status) -> None:
    supposed = replay_as(held(FAILING), sensitivity, None)

    assert supposed.decision is not None
    assert supposed.decision.status is status


def test_a_sensitivity_that_wants_more_looks_than_there_were_has_no_decision() -> None:
    supposed = replay_as(held(ALL_FAIL), Sensitivity.LOW, None)

    assert (supposed.decision, supposed.note) == (
        None,
        "Not decided: low wants 3 looks, and this round had 2.",
    )


def test_without_the_regions_that_passed_it_had_been_down() -> None:
    saw: dict[str, list[str | None]] = {region: ["fail"] * 3 for region in ("us-east", "us-west")}
    saw |= {region: ["pass"] * 3 for region in ("ap-south", "eu-north", "eu-west")}
    verdict = held(saw, Sensitivity.HIGH)
    assert verdict.status is Status.UP

    supposed = replay_as(verdict, None, {"us-west", "us-east", "eu-west"})

    assert supposed.decision is not None
    assert (supposed.decision.status, supposed.decision.n, supposed.decision.k) == (Status.DOWN, 3, 2)


def test_a_decision_that_was_tampered_with_is_found_out() -> None:
    verdict = held(ALL_FAIL)
    forged = replace(verdict, status=Status.UP, reason=VerdictReason.QUORUM_PASSED)

    assert not is_as_stored(forged, replay(forged))


def test_the_table_says_why_each_vote_did_not_count() -> None:
    saw: dict[str, list[str | None]] = {region: ["fail"] * 3 for region in REGIONS}
    saw["ap-south"] = ["missed", "missed", None]
    lines = {(line.region, line.look): line for line in vote_rows(held(saw, quarantined={"eu-west": Exclusion.SICK}))}

    assert why_in_words(lines["us-west", 2]) == "counted as failing"
    assert why_in_words(lines["ap-south", 1]) == "not counted: it was too busy to look in time"
    assert lines["eu-west", 1].why_not == "sick"
    assert lines["us-west", 1].age_ms > 0

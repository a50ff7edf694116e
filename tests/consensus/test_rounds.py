"""Rounds collect votes in any order and give each verdict once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from consensus.review.explain import WHY_EXCLUDED
from consensus.rounds import LINGER_MS, RoundBook
from consensus.verdicts import Round, Verdict
from consensus.vocabulary import Cause, Exclusion, Sensitivity, VerdictReason
from probes.reasons import Status
from tests.consensus.examples import FIVE_REGIONS, LOOK_LENGTH_MS, make_result, make_round

REGIONS = sorted(FIVE_REGIONS)


def cast(book: RoundBook, round: Round, regions: list[str], saw: str, look: int = 1, at_ms: int = 0) -> list[Verdict]:
    at_ms = at_ms or round.looks_ms[look - 1] + 500
    answers = [book.vote(region, make_result(saw, round.id, look), at_ms, at_ms) for region in regions]
    return [verdict for verdict in answers if verdict is not None]


def test_a_quorum_of_failures_gives_one_verdict_with_its_votes() -> None:
    book, round = RoundBook(), make_round()
    book.open(round, round.opened_ms)

    (verdict,) = cast(book, round, REGIONS, "fail")

    assert (verdict.status, verdict.round, verdict.n, verdict.k) == (Status.DOWN, round.id, 5, 3)
    assert [vote.region for vote in verdict.votes] == REGIONS
    assert verdict.suspected_ms == round.suspected_ms
    assert not book.is_open_for(round.monitor)


def test_a_failure_that_is_certain_waits_a_moment_for_the_other_votes() -> None:
    book, round = RoundBook(), make_round()
    book.open(round, round.opened_ms)
    certain_ms = round.opened_ms + 500
    assert cast(book, round, ["ap-south", "eu-north", "us-west"], "fail", at_ms=certain_ms) == []
    assert book.next_deadline_ms() == certain_ms + LINGER_MS
    assert book.due(certain_ms + LINGER_MS - 1) == []

    (verdict,) = book.due(certain_ms + LINGER_MS)

    assert (verdict.status, len(verdict.votes)) == (Status.DOWN, 3)


def test_votes_may_arrive_before_their_round() -> None:
    book, round = RoundBook(), make_round()
    assert cast(book, round, REGIONS, "fail") == []

    verdict = book.open(round, round.opened_ms)

    assert verdict is not None
    assert verdict.status is Status.DOWN


def test_a_repeated_round_is_not_opened_again() -> None:
    book, round = RoundBook(), make_round()
    book.open(round, round.opened_ms)
    cast(book, round, REGIONS, "fail")

    assert book.open(round, round.opened_ms) is None
    assert cast(book, round, REGIONS, "fail") == []
    assert len(book) == 0


def test_a_deadline_closes_the_look_with_those_who_voted() -> None:
    book, round = RoundBook(), make_round()
    book.open(round, round.opened_ms)
    cast(book, round, ["ap-south", "eu-north"], "fail")
    cast(book, round, ["us-west"], "pass")
    assert book.due(round.opened_ms + LOOK_LENGTH_MS - 1) == []

    (verdict,) = book.due(round.opened_ms + LOOK_LENGTH_MS)

    assert (verdict.status, verdict.m, verdict.k) == (Status.DOWN, 3, 2)
    assert {one.why for one in verdict.excluded} == {Exclusion.NO_ANSWER}


def test_a_vote_that_redis_got_after_the_deadline_does_not_count() -> None:
    book, round = RoundBook(), make_round()
    book.open(round, round.opened_ms)
    late_ms = round.opened_ms + LOOK_LENGTH_MS + 1

    assert cast(book, round, REGIONS, "fail", at_ms=late_ms) == []
    (verdict,) = book.due(late_ms)
    assert verdict.reason is VerdictReason.TOO_FEW_VOTES


def test_a_vote_of_a_region_outside_the_electorate_does_not_count() -> None:
    book = RoundBook()
    round = make_round({"eu-west": "aws", "us-west": "hetzner"})
    book.open(round, round.opened_ms)

    assert cast(book, round, ["ap-south", "eu-north", "us-east"], "fail") == []


def test_a_vote_about_another_monitor_does_not_count() -> None:
    import msgspec

    book, round = RoundBook(), make_round({"eu-west": "aws"})
    book.open(round, round.opened_ms)
    forged = msgspec.structs.replace(make_result("fail", round.id, 1), monitor="mon_other")

    assert book.vote("eu-west", forged, round.opened_ms + 1, round.opened_ms + 1) is None


def test_the_second_look_may_begin_before_the_first_is_decided() -> None:
    book, round = RoundBook(), make_round(sensitivity=Sensitivity.NORMAL)
    book.open(round, round.opened_ms)
    assert cast(book, round, REGIONS, "timeout", look=2, at_ms=round.opened_ms + 11_000) == []

    (verdict,) = cast(book, round, REGIONS, "timeout", look=1, at_ms=round.opened_ms + 11_500)

    assert verdict.status is Status.DOWN
    assert {vote.look for vote in verdict.votes} == {1, 2}


def test_a_round_that_clears_a_suspicion_waits_for_the_region_that_had_it() -> None:
    book, round = RoundBook(), make_round(caller="us-east")
    book.open(round, round.opened_ms)
    assert cast(book, round, ["ap-south", "eu-north", "us-west", "eu-west"], "pass") == []

    (verdict,) = cast(book, round, ["us-east"], "fail")

    assert (verdict.status, verdict.dissent) == (Status.UP, ["us-east"])


def test_an_electorate_that_is_too_small_is_decided_at_once() -> None:
    book = RoundBook()

    verdict = book.open(make_round({"eu-west": "aws"}, assigned=5), 1_000_000)

    assert verdict is not None
    assert verdict.reason is VerdictReason.TOO_FEW_VOTES


def test_the_explanation_names_who_saw_what() -> None:
    book, round = RoundBook(), make_round()
    book.open(round, round.opened_ms)
    cast(book, round, ["eu-west"], "pass")

    assert cast(book, round, ["ap-south", "eu-north", "us-west"], "timeout") == []
    (verdict,) = book.due(round.opened_ms + LOOK_LENGTH_MS - 1)

    assert verdict.explanation == (
        "Down: 3 of 5 regions that could see failed in one look (3 are a quorum, in more than half of 4 failure"
        " domain(s)). Saw a problem: ap-south (gcp): timeout, tried twice; eu-north (ovh): timeout, tried twice;"
        " us-west (hetzner): timeout, tried twice. Saw no problem: eu-west. Not waited for, as it could change nothing:"
        " us-east."
    )


def test_a_vote_about_another_configuration_comes_and_does_not_count() -> None:
    book, round = RoundBook(), replace(make_round(), revision=4)
    book.open(round, round.opened_ms)
    at_ms = round.opened_ms + 500
    stale = replace(make_result("fail", round.id, 1), revision=3)
    now = replace(make_result("pass", round.id, 1), revision=4)

    book.vote("eu-west", stale, at_ms, at_ms)
    said = [book.vote(region, now, at_ms, at_ms) for region in REGIONS if region != "eu-west"]

    (verdict,) = [one for one in said if one]
    assert (verdict.status, verdict.m) == (Status.UP, 4)
    assert [(one.region, one.why) for one in verdict.excluded] == [("eu-west", Exclusion.CONFIG_STALE)]
    assert "Not counted: eu-west checked an older configuration." in verdict.explanation


@pytest.mark.parametrize("began_ms", [-5_001, 5_001 + 500])
def test_a_vote_that_began_at_an_impossible_time_does_not_count(began_ms: int) -> None:
    book, round = RoundBook(), make_round()
    book.open(round, round.opened_ms)
    at_ms = round.opened_ms + 500
    skewed = make_result("fail", round.id, 1, round.opened_ms + began_ms)

    verdicts = [book.vote(region, skewed, at_ms, at_ms) for region in REGIONS[:3]]

    (verdict,) = [one for one in verdicts if one]
    assert verdict.reason is VerdictReason.TOO_FEW_VOTES
    assert {one.why for one in verdict.excluded} == {Exclusion.CLOCK_SKEW}


def test_a_region_in_quarantine_has_no_vote_and_what_it_saw_is_kept() -> None:
    book, round = RoundBook(), make_round(caller="eu-west")
    book.open(round, round.opened_ms)
    cast(book, round, ["eu-west"], "fail")
    book.quarantined = {"eu-west": Exclusion.SICK}

    (verdict,) = cast(book, round, ["ap-south", "eu-north", "us-east", "us-west"], "pass")

    assert (verdict.status, verdict.n, verdict.m, verdict.dissent) == (Status.UP, 5, 3 + 1, [])
    assert [(one.region, one.why, one.look) for one in verdict.excluded] == [("eu-west", Exclusion.SICK, 0)]
    assert any(vote.region == "eu-west" and vote.status is Status.DOWN for vote in verdict.votes)


def test_a_round_that_asks_again_waits_to_learn_how_every_region_sees_it_now() -> None:
    book, round = RoundBook(), replace(make_round(), cause=Cause.RECHECK)
    book.open(round, round.opened_ms)
    assert cast(book, round, REGIONS[:4], "pass") == []

    (verdict,) = cast(book, round, REGIONS[4:], "missed")

    assert (verdict.status, verdict.excluded[0].why) == (Status.UP, Exclusion.MISSED)


def test_low_sensitivity_needs_a_minute_of_failure() -> None:
    book, round = RoundBook(), make_round(sensitivity=Sensitivity.LOW)
    book.open(round, round.opened_ms)
    said = [cast(book, round, REGIONS, "fail", look=look) for look in (1, 2, 3)]

    (verdict,) = said[2]
    assert said[:2] == [[], []]
    assert verdict.decided_ms - round.opened_ms >= 60_000


def test_low_sensitivity_is_quiet_about_what_passes_within_the_minute() -> None:
    book, round = RoundBook(), make_round(sensitivity=Sensitivity.LOW)
    book.open(round, round.opened_ms)
    assert cast(book, round, REGIONS, "fail", look=1) == []

    (verdict,) = cast(book, round, REGIONS, "pass", look=2)

    assert verdict.status is Status.UP


@pytest.mark.parametrize("why", Exclusion)
def test_s1_every_reason_to_leave_a_region_out_has_words(why: Exclusion) -> None:
    assert WHY_EXCLUDED[why.value]

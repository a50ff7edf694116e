"""S1, S2, S18: whatever a region writes, what reads it goes on, with bounds on what the region makes it hold.

`POISON_CASES=10000000 python3 manage.py test tests/vigil/test_hostile_regions.py tests/poison -k by_chance` is the long
run, of these and of every other message.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consensus.admission import admit_verdict
from consensus.baselines import REVISION_HELD_S, Baselines
from consensus.fold import CALLS_BURST, Fold
from consensus.review.evidence import to_evidence
from consensus.rounds import EARLY_ROUNDS, RoundBook
from consensus.shards import shards_of
from consensus.verdicts import Call, Round, Verdict, decode_call, decode_verdict, encode
from consensus.vocabulary import Cause
from probes.admission import admit_results
from probes.reasons import Reason, Status
from probes.wire import Phases, Result
from tests.consensus.examples import make_round
from tests.probes.hostile_results import NOW_MS, entries, entry_by_chance, overwritten
from vigil.dispatch.core.opening import SUSPECTED_MOST_MS, open_round
from vigil.dispatch.core.plans import Plan, RegionPlan
from vigil.history.recording.intake import Intake
from vigil.incidents.core import lifecycle
from vigil.incidents.core.model import BelievedState
from vigil.incidents.core.shared_cause import CAUSE_LIMIT, FailingMonitor, belongs, shared_cause
from vigil.monitors.live.results import instant

EXAMPLES = 300
RESULTS = int(os.environ.get("POISON_CASES", "100000"))
ROUND = replace(make_round(opened_ms=NOW_MS), id="rnd_a", monitor="mon_a", revision=7)
REGIONS = [elector.region for elector in ROUND.electorate]
PLAN = Plan(
    "mon_a", "http", 60_000, 10_000, b"", tuple(RegionPlan(region, "aws") for region in REGIONS), ROUND.sensitivity, 7
)
FAIL = Result(1, "mon_a", NOW_MS, Status.DOWN, Reason.REFUSED, NOW_MS, Phases(total_us=9), revision=7)


def folded(payloads: list[bytes], round: Round) -> list[Call | Verdict]:
    """Everything that consensus says of these entries of the first region, among honest votes of the others."""
    fold = Fold()
    said: list[Call | Verdict | None] = [fold.open(round, NOW_MS)]
    for payload in payloads:
        for result in admit_results(payload, NOW_MS).results:
            said.append(fold.result(REGIONS[0], result, NOW_MS, NOW_MS))
    for region in REGIONS[1:]:
        vote = replace(FAIL, round=round.id, look=1, started_ms=NOW_MS + 1)
        said.append(fold.result(region, vote, NOW_MS + 100, NOW_MS + 100))
    said += fold.rounds.due(NOW_MS + 120_000)
    fold.judge_regions(NOW_MS)
    for at in fold.baselines.chunks():
        fold.baselines.saved(*at)
    return [one for one in said if one is not None]


@given(st.lists(entries(), max_size=4))
@settings(max_examples=EXAMPLES, deadline=None)
def test_s1_s2_consensus_decides_and_what_it_says_can_be_read_stored_and_applied(payloads: list[bytes]) -> None:
    check_what_is_said(folded(payloads, ROUND))


def check_what_is_said(said: list[Call | Verdict]) -> None:
    assert any(isinstance(one, Verdict) and one.round == "rnd_a" for one in said)
    for one in said:
        if isinstance(one, Call):
            call = decode_call(encode(one))
            opened = open_round(PLAN, call, {}, NOW_MS)
            assert NOW_MS - SUSPECTED_MOST_MS <= opened.suspected_ms <= NOW_MS
            continue
        verdict = admit_verdict(encode(one))
        assert verdict == decode_verdict(encode(one)), "its texts were fit already"
        assert "\0" not in verdict.explanation
        assert "\\u0000" not in wire_json(to_evidence(verdict))
        for move in lifecycle.apply(BelievedState(), verdict, 7).moves:
            assert instant(move.started_ms) <= instant(verdict.decided_ms)


def wire_json(evidence: object) -> str:
    return json.dumps(evidence, allow_nan=False)


@given(st.lists(entries(), max_size=4))
@settings(max_examples=EXAMPLES, deadline=None)
def test_s1_the_recorder_takes_what_is_plausible_and_counts_the_rest(payloads: list[bytes]) -> None:
    intake = Intake({"mon_a": 1, "mon_b": 2})
    for number, payload in enumerate(payloads):
        intake.take(1, f"{NOW_MS + number}-0", payload, NOW_MS)
    intake.introduce()

    for chunk in intake.chunks.values():
        assert chunk.encoded()
        chunk.encoded_failures()


@pytest.mark.timeout(86_400)
def test_s1_s2_by_chance_nothing_ends_and_what_is_said_can_be_stored() -> None:
    """Ten results an entry, five entries a round."""
    dice = random.Random(RESULTS)
    for _ in range(RESULTS // 50):
        payloads = [entry_by_chance(dice) for _ in range(5)]
        intake = Intake({"mon_a": 1, "mon_b": 2})
        for payload in payloads:
            intake.take(1, f"{NOW_MS}-0", payload, NOW_MS)
        intake.introduce()
        for chunk in intake.chunks.values():
            chunk.encoded_failures()
        check_what_is_said(folded(payloads, ROUND))


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=EXAMPLES, deadline=None)
def test_p2_a_changed_verdict_is_read_in_bounds_or_not_at_all(changes: list[tuple[int, int]]) -> None:
    (verdict,) = [one for one in folded([], ROUND) if isinstance(one, Verdict)]
    try:
        read = admit_verdict(overwritten(encode(verdict), changes))
    except msgspec.DecodeError:
        return
    assert "\0" not in read.explanation
    for move in lifecycle.apply(BelievedState(), read, 7).moves:
        instant(move.started_ms)


def test_s18_a_region_that_makes_up_monitors_has_a_budget_of_calls_and_the_others_have_theirs() -> None:
    fold = Fold()
    made_up = [replace(FAIL, monitor=f"mon_{number}") for number in range(CALLS_BURST + 500)]
    calls = [one for one in made_up if fold.result("thief", one, NOW_MS, NOW_MS)]

    assert len(calls) == CALLS_BURST
    assert fold.over_budget == {"thief": 500}
    assert isinstance(fold.result("eu-west", FAIL, NOW_MS, NOW_MS), Call)
    assert isinstance(fold.result("thief", FAIL, NOW_MS + 1_000, NOW_MS + 1_000), Call)


def test_s18_shards_together_give_a_region_no_more_calls_than_one_process() -> None:
    made_up = [replace(FAIL, monitor=f"mon_{number}") for number in range(CALLS_BURST + 500)]
    folds = [Fold(shard) for shard in shards_of(2)]
    calls = [one for fold in folds for one in made_up if fold.result("thief", one, NOW_MS, NOW_MS)]

    assert len(calls) == CALLS_BURST
    assert sum((fold.over_budget for fold in folds), Counter[str]()) == {"thief": 500}


def test_s18_early_votes_on_rounds_that_are_made_up_push_out_nobody_elses() -> None:
    rounds = RoundBook()
    honest = replace(FAIL, round="rnd_a", look=1, started_ms=NOW_MS + 1)
    for region in REGIONS[1:]:
        rounds.vote(region, honest, NOW_MS + 1, NOW_MS + 1)
    for number in range(EARLY_ROUNDS + 100):
        rounds.vote(REGIONS[0], replace(honest, round=f"rnd_{number}"), NOW_MS + 1, NOW_MS + 1)

    opened = rounds.open(replace(ROUND, looks_ms=[NOW_MS]), NOW_MS + 2)
    (verdict,) = [opened] if opened is not None else rounds.due(NOW_MS + 60_000)

    assert verdict.status is Status.DOWN
    assert {vote.region for vote in verdict.votes} == set(REGIONS[1:])


def test_s18_a_region_has_so_many_series_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consensus.baselines.SERIES_MOST", 10)
    baselines = Baselines()
    for number in range(30):
        baselines.learn("thief", f"mon_{number}", 1, 1_000, NOW_MS)
        baselines.learn("eu-west", f"mon_{number % 10}", 1, 1_000, NOW_MS)

    assert baselines.counts() == {"thief": 10, "eu-west": 10}


def test_a_revision_that_was_made_up_does_not_keep_the_true_one_from_being_learned() -> None:
    baselines = Baselines()
    baselines.learn("eu-west", "mon_a", 2**53, 1_000, NOW_MS)
    later_ms = NOW_MS + REVISION_HELD_S * 1_000
    for number in range(60):
        baselines.learn("eu-west", "mon_a", 7, 1_000, later_ms + number)

    assert baselines.usual_us("eu-west", FAIL) == 1_000


def test_s2c_a_cause_fits_its_column_and_finds_those_it_was_cut_for() -> None:
    long = "0" * 400
    one = FailingMonitor("inc_a", "a.example", frozenset({long}))
    other = FailingMonitor("inc_b", "b.example", frozenset({long}))

    cause = shared_cause(other, [one])

    assert cause.startswith("address:000") and len(cause) == CAUSE_LIMIT
    assert belongs(cause, one)


def test_s2b_an_incident_begins_neither_later_than_its_call_nor_long_before() -> None:
    for at_ms in (0, 1, NOW_MS - 10**9, NOW_MS + 10**9, 32_503_680_000_000):
        call = Call(1, "mon_a", REGIONS[0], Cause.FAILURE, at_ms)
        assert NOW_MS - SUSPECTED_MOST_MS <= open_round(PLAN, call, {}, NOW_MS).suspected_ms <= NOW_MS

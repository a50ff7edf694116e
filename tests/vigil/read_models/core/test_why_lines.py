"""Why-lines say for each state why it is so, in one line that fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.verdicts import VERDICT_VERSION, Cause, Excluded, Exclusion, Sensitivity, Verdict, VerdictReason, Vote
from probes.reasons import Reason, Status
from probes.wire import Phases
from vigil.read_models.core.figures import length
from vigil.read_models.core.shown_states import ShownState, Variant
from vigil.read_models.core.sights import sight
from vigil.read_models.core.why_lines import LIMIT, Differing, JobFacts, WhyFacts, fit, says_how_long, why_line

NOW = datetime(2026, 11, 29, 14, 2, 11, tzinfo=UTC)
REGIONS = ("ap-south", "eu-north", "eu-west", "us-east", "us-west")


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return NOW.replace(hour=hour, minute=minute, second=second)


def vote(region: str, reason: Reason, look: int = 1, **fields: Any) -> Vote:
    status = Status.UP if reason is Reason.OK else Status.DEGRADED if reason is Reason.SLOW else Status.DOWN
    return msgspec.structs.replace(Vote(region, region, look, status, reason, 0, Phases()), **fields)


def verdict(votes: list[Vote], m: int, looks: int = 1, reason: VerdictReason = VerdictReason.QUORUM_FAILED,
            excluded: tuple[Excluded, ...] = ()) -> Verdict:  # fmt: skip
    return Verdict(
        v=VERDICT_VERSION, round="r", monitor="mon_1", status=Status.DOWN, reason=reason, failure=votes[0].reason,
        decided_ms=0, opened_ms=0, suspected_ms=0, n=5, m=m, k=3, domains=5, votes=votes, excluded=list(excluded),
        dissent=[], sensitivity=Sensitivity.NORMAL, cause=Cause.FAILURE, explanation="Down: told at length.",
        looks_ms=list(range(looks)),
    )  # fmt: skip


_REFUSED = [vote(region, Reason.REFUSED, look) for look in (1, 2) for region in REGIONS[1:]]
_SILENT = (Excluded("ap-south", "ap", Exclusion.NO_ANSWER, 1), Excluded("ap-south", "ap", Exclusion.NO_ANSWER, 2))
_SLOW = [vote(region, Reason.SLOW, phases=Phases(total_us=2_400_000), usual_us=610_000) for region in REGIONS[:3]] + [
    vote(region, Reason.OK) for region in REGIONS[3:]
]
_KEY = [vote(region, Reason.AUTH, code=401) for region in REGIONS]

#: Case -> facts, and the line.
CASES: dict[str, tuple[WhyFacts, str]] = {
    "up": (
        WhyFacts(ShownState.UP, since=NOW - timedelta(days=12), regions=5, last_look=at(14, 1, 40)),
        "Up for 12 d. All 5 regions agree, last look 14:01:40.",
    ),
    "up, one region": (WhyFacts(ShownState.UP, since=at(14, 1), regions=1), "Up for 71 s. Seen from one region."),
    "down": (
        WhyFacts(ShownState.DOWN, regions=5, verdict=verdict(_REFUSED, 4, 2, excluded=_SILENT)),
        "4 of 5 regions saw connection refused, in 2 looks. ap-south is silent.",
    ),
    "down, and the region that is silent counts": (
        WhyFacts(ShownState.DOWN, regions=5, verdict=verdict([*_REFUSED, vote("ap-south", Reason.OK)], 5, 2)),
        "4 of 5 regions saw connection refused, in 2 looks.",
    ),
    "degraded": (
        WhyFacts(ShownState.DEGRADED, regions=5, verdict=verdict(_SLOW, 5, reason=VerdictReason.QUORUM_DEGRADED)),
        "Slow in 3 of 5 regions: 2.4\u202fs, usually 610\u202fms.",
    ),
    "account": (
        WhyFacts(ShownState.DEGRADED, Variant.ACCOUNT, verdict=verdict(_KEY, 5, reason=VerdictReason.ACCOUNT)),
        "The key was refused (401) in all 5 regions: not an outage.",
    ),
    "regional": (
        WhyFacts(
            ShownState.UP, Variant.REGIONAL, regions=5, differing=(Differing("ap-south", "timeout", at(13, 20)),)
        ),
        "Up. 1 of 5 regions disagrees: ap-south sees timeouts since 13:20. 2 more votes would confirm.",
    ),
    "unknown": (
        WhyFacts(ShownState.UNKNOWN, regions=4, can_vote=1, verified_at=at(13, 41)),
        "Only 1 of 4 regions can vote, 2 are needed. Last verified up at 13:41.",
    ),
    "flapping": (
        WhyFacts(ShownState.UP, Variant.FLAPPING, flips=5),
        "Went up and down 5 times in an hour. Stays open until 30 min pass without a change.",
    ),
    "paused": (
        WhyFacts(ShownState.PAUSED, since=NOW.replace(day=3), paused_by="Ann"),
        "Paused by Ann on 3 Nov. Nothing is checked.",
    ),
    "maintenance": (
        WhyFacts(ShownState.MAINTENANCE, until=at(15, 0)),
        "Maintenance until 15:00 UTC. No alerts are sent.",
    ),
    "new": (WhyFacts(ShownState.NEW, regions=3, first_look_s=20), "Waiting for the first look, in about 20 s."),
    "heartbeat": (
        WhyFacts(
            ShownState.DOWN,
            Variant.FAILED,
            job=JobFacts("down", "every 15 min, 5 min grace", at(14, 0), None, at(13, 45), timedelta(seconds=38)),
        ),
        "Should have called at 14:00 (every 15 min, 5 min grace). Last call 13:45, took 38 s.",
    ),
    "heartbeat that works": (
        WhyFacts(ShownState.UP, job=JobFacts("up", "every 15 min, 5 min grace", None, at(14, 20), at(14, 0))),
        "Last call 14:00. Next call by 14:20 (every 15 min, 5 min grace).",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_case_has_its_words(case: str) -> None:
    facts, words = CASES[case]
    assert why_line(facts, NOW) == words


@pytest.mark.parametrize("case", CASES)
def test_how_long_is_left_out_beside_a_line_exactly_where_the_line_says_it(case: str) -> None:
    facts = CASES[case][0]
    since = facts.since or at(13, 41)
    dated = replace(facts, since=since)
    assert says_how_long(dated) == (f" for {length(NOW - since)}" in why_line(dated, NOW))
    assert not says_how_long(replace(facts, since=None))


@pytest.mark.parametrize("state", [ShownState.DOWN, ShownState.DEGRADED])
def test_a_state_without_votes_says_how_long_and_words_that_name_a_time_do_not(state: ShownState) -> None:
    silent = WhyFacts(state, since=at(13, 41))
    assert says_how_long(silent) and why_line(silent, NOW).endswith("for 21 min.")
    told = replace(silent, text="Waits for its parent.")
    assert not says_how_long(told) and why_line(told, NOW) == "Waits for its parent."


@settings(deadline=None)
@given(
    facts=st.builds(
        WhyFacts,
        state=st.sampled_from(ShownState),
        variant=st.sampled_from(Variant),
        since=st.none() | st.just(NOW - timedelta(days=400)),
        regions=st.integers(0, 50),
        can_vote=st.none() | st.integers(0, 50),
        last_look=st.none() | st.just(NOW),
        verified_at=st.none() | st.just(NOW - timedelta(days=3)),
        verdict=st.none() | st.sampled_from([verdict(_REFUSED, 4, 2, excluded=_SILENT), verdict(_KEY, 5)]),
        text=st.text(max_size=300),
        differing=st.lists(st.builds(Differing, st.text(min_size=1, max_size=40), st.sampled_from(Reason)), max_size=5),
        flips=st.integers(0, 1000),
        paused_why=st.text(max_size=300),
        paused_by=st.text(max_size=300),
        job=st.none() | st.builds(JobFacts, st.sampled_from(["new", "up", "late"]), st.text(max_size=99)),
    )
)
def test_a_line_always_fits_and_says_something(facts: WhyFacts) -> None:
    line = why_line(facts, NOW)
    assert 0 < len(line) <= LIMIT
    assert "\n" not in line


def test_the_last_sentences_go_first_and_a_long_one_is_cut() -> None:
    assert fit(["One.", "Two."], 9) == "One. Two."
    assert fit(["One.", "Two."], 8) == "One."
    assert fit(["One and a half."], 8) == "One and…"


def test_every_reason_of_a_failure_reads_as_a_thing_that_was_seen() -> None:
    assert all(sight(reason.value) for reason in Reason)
    assert sight("http_5xx", [503, 503]) == "server errors (503)"
    assert sight("http_5xx", [500, 503]) == "server errors"


def test_other_failures_than_the_commonest_are_counted_apart() -> None:
    votes = [vote(region, Reason.TIMEOUT) for region in REGIONS[:2]] + [vote("us-west", Reason.REFUSED)]
    line = why_line(replace(CASES["down"][0], verdict=verdict(votes, 5)), NOW)
    assert line == "3 of 5 regions saw failures, 2 of them timeouts."

"""Whatever happened before, once what the regions see stops changing, what is believed becomes what the law says.

The real fold, rounds, law and life cycle on a virtual clock; only the network between them is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consensus.fold import Fold
from consensus.quorum import Decision, decide
from consensus.verdicts import Call, Verdict
from consensus.vocabulary import Cause, Sensitivity
from probes.reasons import Status
from tests.consensus.examples import make_result, make_round, make_vote
from vigil.incidents.core.lifecycle import apply, belief
from vigil.incidents.core.model import BelievedState, IncidentKind

DOMAINS = {"a": "one", "b": "two", "c": "three", "d": "four", "e": "five"}
INTERVAL_MS = 60_000
SETTLED_ROUNDS = 12
VIEWS = st.sampled_from(["pass", "fail", "slow", "auth", "missed"])

Views = Mapping[str, str]


class World:
    """One monitor: every region looks once an interval, and a round asks all of them what they see now."""

    def __init__(self, regions: int) -> None:
        self.regions = dict(list(DOMAINS.items())[:regions])
        self.now_ms = 1_000_000
        self.state = BelievedState()
        self.fold = Fold()
        self._believe()

    def live(self, views: Views) -> None:
        """One interval: scheduled results in turn, each followed by whatever it calls for, and the rechecks."""
        for region in self.regions:
            self.now_ms += INTERVAL_MS // len(self.regions)
            said = self.fold.result(
                region, make_result(views[region], started_ms=self.now_ms), self.now_ms, self.now_ms
            )
            if isinstance(said, Call):
                self._hold_round(views, said.cause, region)
            if self.fold.rechecks(self.now_ms):
                self._hold_round(views, Cause.RECHECK, "")

    def _hold_round(self, views: Views, cause: Cause, caller: str) -> None:
        round = replace(make_round(self.regions, Sensitivity.HIGH, opened_ms=self.now_ms), cause=cause, caller=caller)
        verdicts = [self.fold.rounds.open(round, self.now_ms)]
        at_ms = self.now_ms + 100
        for region in self.regions:
            vote = make_result(views[region], round.id, 1, self.now_ms)
            answer = self.fold.rounds.vote(region, vote, at_ms, at_ms)
            verdicts.append(answer if isinstance(answer, Verdict) else None)
        self.now_ms = round.looks_ms[-1] + round.look_length_ms
        verdicts += self.fold.rounds.due(self.now_ms)
        for verdict in verdicts:
            if verdict is not None:
                self.state = apply(self.state, verdict, 0).state
        self._believe()

    def _believe(self) -> None:
        believed = belief(self.state)
        self.fold.believe({"mon_example": believed} if believed else {})


def law(regions: Mapping[str, str], views: Views) -> Decision:
    votes = [make_vote(region, views[region], 1, regions) for region in regions]
    decision = decide(make_round(regions), votes, 1)
    assert decision is not None
    return decision


@st.composite
def histories(draw: st.DrawFn) -> Sequence[Views]:
    regions = draw(st.integers(1, 5))
    view = st.fixed_dictionaries(dict.fromkeys(list(DOMAINS)[:regions], VIEWS))
    return draw(st.lists(view, min_size=1, max_size=6))


@settings(max_examples=400, deadline=None)
@given(histories())
def test_the_belief_becomes_the_verdict_of_the_law(history: Sequence[Views]) -> None:
    last = history[-1]
    world = World(len(last))
    for views in history:
        for _ in range(3):
            world.live(views)
    for _ in range(SETTLED_ROUNDS):
        world.live(last)

    lawful = law(world.regions, last)
    if lawful.status is not Status.UNKNOWN:
        assert world.state.status is lawful.status
        assert world.state.account is (lawful.status is Status.DEGRADED and lawful.reason == "account")
        assert not world.state.blind
    if lawful.status is Status.UP and not world.state.flapping:
        assert world.state.open is None
        assert world.state.regional is ("fail" in last.values())
    if lawful.status is Status.DOWN and not world.state.flapping:
        assert world.state.open is IncidentKind.OUTAGE

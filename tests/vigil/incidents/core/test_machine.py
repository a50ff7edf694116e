"""Rounds and incidents under a hostile post: messages lost, late, doubled and out of order, deciders that die.

The real fold, round book, law and life cycle; only the wires between them are the machine's.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from consensus.fold import Fold
from consensus.quorum import fewest_votes
from consensus.review.replay import is_as_stored, replay
from consensus.verdicts import Call, Round, Verdict
from consensus.vocabulary import OWN_WAY, Cause, Exclusion, Observed, Sensitivity, observed
from probes.reasons import Status
from probes.wire import Result
from tests.consensus.examples import FIVE_REGIONS, make_result, make_round
from vigil.incidents.core.lifecycle import RECOVERY_MS, RECOVERY_ROUNDS, apply, belief
from vigil.incidents.core.model import BelievedState, IncidentKind, Move, Step

REGIONS = sorted(FIVE_REGIONS)
VIEWS = st.sampled_from(["pass", "pass", "fail", "timeout", "slow", "auth", "missed"])
T0 = 1_000_000
MAIN = (IncidentKind.OUTAGE, IncidentKind.DEGRADED, IncidentKind.ACCOUNT)
#: What a decider reads again when it starts.
REPLAYED_MS = 180_000

Arrival = tuple[str, Result, int]


class Installation(RuleBasedStateMachine):
    """One monitor, five regions in four domains, two deciders' worth of trouble."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = T0
        self.views: dict[str, str] = dict.fromkeys(REGIONS, "pass")
        self.fold = Fold()
        self.state = BelievedState()
        self.stream: list[Arrival | Round] = []
        self.on_the_way: list[Arrival] = []
        self.verdicts: list[Verdict] = []
        self.applied: list[Verdict] = []
        self.moves: list[tuple[Move, BelievedState, Verdict]] = []
        self.rounds = 0
        self._believe()

    # -- the world ---------------------------------------------------------------------------------------------------

    @rule(views=st.dictionaries(st.sampled_from(REGIONS), VIEWS, min_size=1))
    def regions_see(self, views: Mapping[str, str]) -> None:
        self.views.update(views)

    @rule(view=VIEWS)
    def all_regions_see(self, view: str) -> None:
        self.views = dict.fromkeys(REGIONS, view)

    @rule(seconds=st.integers(1, 45))
    def time_passes(self, seconds: int) -> None:
        self.now_ms += seconds * 1000
        self._judge(self.fold.rounds.due(self.now_ms))
        for call in self.fold.rechecks(self.now_ms):
            self._open(call)

    # -- the post ----------------------------------------------------------------------------------------------------

    @rule(region=st.sampled_from(REGIONS))
    def a_scheduled_check_is_made(self, region: str) -> None:
        self._arrive((region, make_result(self.views[region], started_ms=self.now_ms), self.now_ms))

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data(), fate=st.sampled_from(["arrives", "arrives", "arrives", "arrives twice", "is lost"]))
    def a_vote(self, data: st.DataObject, fate: str) -> None:
        at = data.draw(st.integers(0, len(self.on_the_way) - 1))
        region, result, _ = self.on_the_way.pop(at)
        for _ in range({"arrives": 1, "arrives twice": 2, "is lost": 0}[fate]):
            self._arrive((region, result, self.now_ms))

    @precondition(lambda self: self.on_the_way)
    @rule()
    def all_votes_arrive(self) -> None:
        waiting, self.on_the_way = self.on_the_way, []
        for region, result, _ in waiting:
            self._arrive((region, result, self.now_ms))

    @precondition(lambda self: self.verdicts)
    @rule(data=st.data(), fate=st.sampled_from(["is applied", "is applied", "is applied twice", "is lost"]))
    def a_verdict(self, data: st.DataObject, fate: str) -> None:
        verdict = self.verdicts.pop(data.draw(st.integers(0, len(self.verdicts) - 1)))
        for _ in range({"is applied": 1, "is applied twice": 2, "is lost": 0}[fate]):
            self._apply(verdict)

    @precondition(lambda self: self.applied)
    @rule(data=st.data())
    def an_old_verdict_comes_again(self, data: st.DataObject) -> None:
        before, told = self.state, len(self.moves)
        self._apply(data.draw(st.sampled_from(self.applied)))
        assert (self.state, len(self.moves)) == (before, told)

    # -- the processes -----------------------------------------------------------------------------------------------

    @rule()
    def the_decider_dies_and_another_reads_the_stream_again(self) -> None:
        self.fold = Fold()
        self._believe()
        for message in self.stream:
            if isinstance(message, Round):
                if self.now_ms - message.opened_ms <= REPLAYED_MS:
                    self._judge([self.fold.open(message, self.now_ms)])
            elif self.now_ms - message[2] <= REPLAYED_MS:
                said = self.fold.result(*message, self.now_ms)
                self._judge([said] if isinstance(said, Verdict) else [])

    @rule(sick=st.sets(st.sampled_from(REGIONS), max_size=2))
    def regions_are_put_into_quarantine(self, sick: set[str]) -> None:
        self.fold.rounds.quarantined = dict.fromkeys(sick, Exclusion.SICK)

    # -- the wires ---------------------------------------------------------------------------------------------------

    def _arrive(self, arrival: Arrival) -> None:
        self.stream.append(arrival)
        said = self.fold.result(*arrival, self.now_ms)
        if isinstance(said, Call):
            self._open(said)
        elif said is not None:
            self._judge([said])

    def _open(self, call: Call) -> None:
        self.rounds += 1
        self.now_ms += 1
        sensitivity = Sensitivity.HIGH if self.rounds % 2 else Sensitivity.NORMAL
        round = make_round(FIVE_REGIONS, sensitivity, opened_ms=self.now_ms, caller=call.region)
        round = replace(round, cause=call.cause if call.region else Cause.RECHECK)
        self.stream.append(round)
        self._judge([self.fold.open(round, self.now_ms)])
        for look in range(1, len(round.looks_ms) + 1):
            for region in REGIONS:
                vote = make_result(self.views[region], round.id, look, self.now_ms)
                self.on_the_way.append((region, vote, self.now_ms))

    def _judge(self, said: list[Verdict] | list[Verdict | None]) -> None:
        for verdict in said:
            if verdict is not None:
                assert is_as_stored(verdict, replay(verdict))
                self.verdicts.append(verdict)

    def _apply(self, verdict: Verdict) -> None:
        before = self.state
        effect = apply(self.state, verdict, revision=0)
        self.state = effect.state
        self.applied.append(verdict)
        self.moves += [(move, before, verdict) for move in effect.moves]
        self._hold_to_account(before, verdict)
        self._believe()

    def _believe(self) -> None:
        believed = belief(self.state)
        self.fold.believe({"mon_example": believed} if believed else {})

    # -- what must hold ----------------------------------------------------------------------------------------------

    def _hold_to_account(self, before: BelievedState, verdict: Verdict) -> None:
        after = self.state
        if after.status is Status.DOWN and before.status is not Status.DOWN:
            assert_a_quorum_failed_every_look(verdict)
        lost = sum(one.why in OWN_WAY for one in verdict.excluded)
        if verdict.m < fewest_votes(verdict.n) and not 2 <= verdict.m <= lost:
            assert (after.status, after.open) == (before.status, before.open)
        if before.open is not None and after.open is None:
            assert verdict.status is Status.UP
            assert verdict.decided_ms - before.since_ms >= RECOVERY_MS
            assert before.passed_rounds >= RECOVERY_ROUNDS - 1

    @invariant()
    def incidents_open_and_resolve_in_turn(self) -> None:
        main, side = 0, dict.fromkeys((IncidentKind.REGIONAL, IncidentKind.BLIND), 0)
        for move, _, _ in self.moves:
            change = {Step.OPENED: 1, Step.RESOLVED: -1}.get(move.step, 0)
            if move.kind in MAIN:
                main += change
                assert main in (0, 1)
            else:
                side[move.kind] += change
                assert side[move.kind] in (0, 1)
        assert main == (self.state.open is not None)
        assert side == {
            IncidentKind.REGIONAL: self.state.regional,
            IncidentKind.BLIND: bool(self.state.blind_cause),
        }

    @invariant()
    def a_monitor_that_is_not_well_has_an_open_incident(self) -> None:
        if self.state.status in (Status.DOWN, Status.DEGRADED):
            assert self.state.open is not None

    @invariant()
    def rounds_only_move_forward(self) -> None:
        opened = [verdict.opened_ms for verdict in self.applied]
        assert self.state.round_ms == max(opened, default=0)

    def teardown(self) -> None:
        """Once the views are still and the post works, what is believed is what the regions see."""
        self.fold.rounds.quarantined = {}
        self.views = dict.fromkeys(REGIONS, "pass")
        for turn in range(45):
            self.time_passes(15)
            self.all_votes_arrive()
            self.a_scheduled_check_is_made(REGIONS[turn % len(REGIONS)])
            self.all_votes_arrive()
            while self.verdicts:
                self._apply(self.verdicts.pop(0))
        assert (self.state.status, self.state.regional, self.state.blind) == (Status.UP, False, False), self.state
        assert self.state.open is None or self.state.flapping, self.state


def assert_a_quorum_failed_every_look(verdict: Verdict) -> None:
    """INV-1: at least k distinct eligible regions failed in every look, in more than half of the domains."""
    left_out = {one.region for one in verdict.excluded if one.look == 0}
    failing = [
        {
            vote.region
            for vote in verdict.votes
            if vote.look == look
            and not vote.barred
            and vote.region not in left_out
            and observed(vote.status, vote.reason) is Observed.FAILING
        }
        for look in range(1, len(verdict.looks_ms) + 1)
    ]
    same = set.intersection(*failing)
    assert len(same) >= verdict.k > verdict.m // 2
    assert 2 * len({FIVE_REGIONS[region] for region in same}) > verdict.domains


TestInstallation = pytest.mark.timeout(300)(Installation.TestCase)
TestInstallation.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)

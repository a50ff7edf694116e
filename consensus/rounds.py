"""Open rounds: collects votes, tracks deadlines, and gives the verdict when a round is decided. Pure."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from consensus.lost_way.doubts import Doubts
from consensus.outcome import barred, verdict_of
from consensus.quorum import Decision, decide, merge, without
from consensus.verdicts import Round, Verdict, Vote, vote_of
from consensus.vocabulary import Cause, Exclusion, VerdictReason
from probes.wire import Result

#: Votes that arrive before their round are kept for this many rounds, and this many for each.
EARLY_ROUNDS = 10_000
EARLY_VOTES = 8
#: Decided rounds are remembered, so that a repeated message does not open them again.
DECIDED_ROUNDS = 50_000
#: Once a failure is certain, late voters still have this long (ms), so that the alert shows them too.
LINGER_MS = 250
#: A decision that is doubted is looked at again this much later (ms), and whenever a vote of its round arrives.
DOUBT_MS = 200


#: Compares a region's result with its baseline: the result to count, and the usual time (us) or 0.
Judge = Callable[[str, Result], tuple[Result, int]]


def at_face_value(region: str, result: Result) -> tuple[Result, int]:
    """The judge without baselines."""
    return result, 0


@dataclass(slots=True)
class OpenRound:
    """A round that is not decided yet, and its votes by look and region."""

    round: Round
    votes: dict[tuple[int, str], Vote] = field(default_factory=dict)
    closed: int = 0
    lingers_until_ms: int = 0

    def has_every_vote(self, round: Round) -> bool:
        return all((len(round.looks_ms), elector.region) in self.votes for elector in round.electorate)


class RoundBook:
    """Every open round. Give it rounds and results in any order; it gives back verdicts, each once.

    Regions in `quarantined` have no vote in any round that is decided meanwhile; what they saw is kept as evidence.
    A decision waits while there are `doubts` whether the regions that fail have lost their way.
    """

    def __init__(self, judge: Judge = at_face_value, doubts: Doubts | None = None) -> None:
        self.quarantined: Mapping[str, Exclusion] = {}
        self._judge = judge
        self._doubts = doubts or Doubts()
        self._open: dict[str, OpenRound] = {}
        self._by_monitor: dict[str, str] = {}
        self._deadlines: list[tuple[int, str, int]] = []
        #: By region, so that none of them takes the room of another.
        self._early: dict[str, OrderedDict[str, list[tuple[Result, int]]]] = {}
        self._decided: OrderedDict[str, None] = OrderedDict()
        #: Verdicts of deadlines that are still to be given.
        self._due: list[Verdict] = []

    def __len__(self) -> int:
        return len(self._open)

    def is_open_for(self, monitor: str) -> bool:
        return monitor in self._by_monitor

    def next_deadline_ms(self) -> int | None:
        return self._deadlines[0][0] if self._deadlines else None

    def open(self, round: Round, now_ms: int) -> Verdict | None:
        """Open a round; a verdict comes at once where its electorate is too small or its votes are here already."""
        if round.id in self._decided:
            return None
        early = [(region, votes) for region, waiting in self._early.items() if (votes := waiting.get(round.id))]
        if round.id in self._open and not early:
            return None
        if round.id not in self._open:
            self._begin(round)
        for region, votes in early:
            while votes:
                # Out of the list first: one that cannot be counted is not tried with the round's other votes again.
                self._cast(self._open[round.id], region, *votes.pop(0))
        for waiting in self._early.values():
            waiting.pop(round.id, None)
        return self._settle(round.id, now_ms)

    def _begin(self, round: Round) -> None:
        self._open[round.id] = OpenRound(round)
        self._by_monitor[round.monitor] = round.id
        for look, start_ms in enumerate(round.looks_ms, start=1):
            heapq.heappush(self._deadlines, (start_ms + round.look_length_ms, round.id, look))

    def vote(self, region: str, result: Result, at_ms: int, now_ms: int) -> Verdict | None:
        """Count a result of a round, from the region whose stream it arrived on at `at_ms`."""
        opened = self._open.get(result.round)
        if opened is None:
            if result.round not in self._decided:
                self._keep_early(region, result, at_ms)
            return None
        if not self._cast(opened, region, result, at_ms):
            return None
        try:
            return self._settle(result.round, now_ms)
        except Exception:
            # The round is decided without a vote that cannot be counted.
            opened.votes.pop((result.look, region), None)
            raise

    def due(self, now_ms: int) -> list[Verdict]:
        """Close every look whose deadline has passed, and give the verdicts that follow."""
        while self._deadlines and self._deadlines[0][0] <= now_ms:
            _, round_id, look = heapq.heappop(self._deadlines)
            opened = self._open.get(round_id)
            if opened is None:
                continue
            opened.closed = max(opened.closed, look)
            try:
                verdict = self._settle(round_id, now_ms)
            except Exception as error:
                error.add_note(f"a round of {opened.round.monitor}")
                # A round that cannot be decided stands in the way of no other, and of no later one of its monitor.
                self._close(opened.round)
                raise
            if verdict:
                self._due.append(verdict)
        due, self._due = self._due, []
        return due

    def _cast(self, opened: OpenRound, region: str, result: Result, at_ms: int) -> bool:
        """Add a vote; False for one that cannot be one: not an elector, an unknown look, too late."""
        round = opened.round
        elector = next((elector for elector in round.electorate if elector.region == region), None)
        if elector is None or result.monitor != round.monitor or not opened.closed < result.look <= len(round.looks_ms):
            return False
        if at_ms > round.looks_ms[result.look - 1] + round.look_length_ms:
            return False
        judged, usual_us = self._judge(region, result)
        vote = replace(vote_of(elector, judged, barred(round, result, at_ms)), usual_us=usual_us)
        before = opened.votes.get((vote.look, region))
        opened.votes.update(merge([vote, before] if before else [vote]))
        self._doubts.heard(region, at_ms)
        return True

    def _settle(self, round_id: str, now_ms: int) -> Verdict | None:
        opened = self._open[round_id]
        quarantined = self.quarantined
        round, decision = self._decision(opened)
        if self._doubts.doubts(opened, decision, reversed(self._open.values()), quarantined.keys(), now_ms):
            heapq.heappush(self._deadlines, (now_ms + DOUBT_MS, round_id, 0))
            return None
        if self.quarantined is not quarantined:
            round, decision = self._decision(opened)
        if decision is None or self._awaits_views(opened, round, decision):
            return None
        if self._lingers(opened, round, decision, now_ms):
            return None
        verdict = verdict_of(round, decision, list(opened.votes.values()), now_ms, opened.closed)
        self._doubts.decided(opened)
        self._close(round)
        return verdict

    def _decision(self, opened: OpenRound) -> tuple[Round, Decision | None]:
        """The round without the regions in quarantine, and its decision."""
        round = without(opened.round, self.quarantined) if self.quarantined else opened.round
        return round, decide(round, opened.votes.values(), opened.closed)

    def _close(self, round: Round) -> None:
        """Forget an open round; a repeated message does not open it again."""
        del self._open[round.id]
        if self._by_monitor.get(round.monitor) == round.id:
            del self._by_monitor[round.monitor]
        self._decided[round.id] = None
        if len(self._decided) > DECIDED_ROUNDS:
            self._decided.popitem(last=False)

    def _awaits_views(self, opened: OpenRound, round: Round, decision: Decision) -> bool:
        """A round that clears a suspicion waits for the region that had it, so that its dissent is on record; one that
        asks again waits for every region, since it is there to learn how each one sees it now."""
        if decision.reason is not VerdictReason.QUORUM_PASSED or opened.closed:
            return False
        # A comparison is about regions in quarantine too: what they see now is what it asks for.
        asked = opened.round if round.cause is Cause.COMPARISON else round
        electors = {elector.region for elector in asked.electorate}
        awaited = electors if round.cause in (Cause.RECHECK, Cause.COMPARISON) else electors & {round.caller}
        return any((1, region) not in opened.votes for region in awaited)

    def _lingers(self, opened: OpenRound, round: Round, decision: Decision, now_ms: int) -> bool:
        """A failure that is certain early waits a moment for the rest of the votes: they cannot change it."""
        if decision.reason is not VerdictReason.QUORUM_FAILED or opened.has_every_vote(round):
            return False
        if not opened.lingers_until_ms:
            opened.lingers_until_ms = now_ms + LINGER_MS
            heapq.heappush(self._deadlines, (opened.lingers_until_ms, round.id, 0))
        return now_ms < opened.lingers_until_ms and opened.closed < len(round.looks_ms)

    def _keep_early(self, region: str, result: Result, at_ms: int) -> None:
        waiting = self._early.setdefault(region, OrderedDict())
        votes = waiting.setdefault(result.round, [])
        if len(votes) < EARLY_VOTES:
            votes.append((result, at_ms))
        if len(waiting) > EARLY_ROUNDS:
            waiting.popitem(last=False)

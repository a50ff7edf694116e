"""Fold over all results of the regions: updates the state of consensus, and gives calls and verdicts. Pure."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from consensus.baselines import FORGOTTEN_AFTER_S, SLOW, STILL_SLOW, Baselines
from consensus.lost_way.doubts import Doubts
from consensus.proof import LostWay
from consensus.rounds import RoundBook
from consensus.shards import WHOLE, Shard
from consensus.sick_regions import SickRegions
from consensus.suspicion import recheck_due_ms, suspicion
from consensus.verdicts import VERDICT_VERSION, Belief, Call, Quarantine, Round, Verdict
from consensus.vocabulary import Cause, Observed, observed
from probes.reasons import Reason, Status
from probes.wire import Result, is_canary

#: A region calls for a monitor at most this often; its next scheduled result raises a suspicion that still holds.
#: Another region's suspicion is news and does not wait: what rounds cost is limited where they are opened.
CALL_GAP_MS = 3_000
#: A region may call so often for all of its monitors; it may make up monitors, and have each fail.
CALLS_BURST, CALLS_PER_S = 10_000, 2_000
#: A scheduled result older than this is no evidence of the present state.
STALE_MS = 30_000
#: A scheduled result that came this much later than it was seen was held up: its region was cut off.
HELD_UP_MS = 2_000


class Fold:
    """The state of consensus: open rounds, beliefs, last calls, baselines and sick regions.

    A shard keeps baselines of its own monitors, and only they raise suspicions. Rounds, and what regions fail, it takes
    of all: regions that are sick or lost are found by what all monitors show. What the first shard finds counts.
    """

    def __init__(self, shard: Shard = WHOLE) -> None:
        self._shard = shard
        self._is_part = not shard.is_whole
        self.baselines = Baselines()
        self.sick_regions = SickRegions()
        self.doubts = Doubts(self._lost_way)
        self.rounds = RoundBook(self._judged, self.doubts)
        self._beliefs: Mapping[str, Belief] = {}
        #: When each monitor is to be checked again, soonest first; outdated entries are skipped.
        self._rechecks: list[tuple[int, str]] = []
        self._called_ms: dict[tuple[str, str], int] = {}
        #: How many calls each region has left, and when that was.
        self._calls_left: dict[str, tuple[float, int]] = {}
        #: Calls that a region had no budget for, since they were last taken.
        self.over_budget: Counter[str] = Counter()

    def believe(self, beliefs: Mapping[str, Belief], changed: Iterable[str] | None = None) -> None:
        """Take what vigil has committed; a monitor that is not among `beliefs` is up.

        `changed` names the monitors whose belief differs from the last time; None when any may.
        """
        self._beliefs = beliefs
        if changed is None:
            due = [(recheck_due_ms(belief), monitor) for monitor, belief in beliefs.items()]
            self._rechecks = [(due_ms, monitor) for due_ms, monitor in due if due_ms is not None]
            heapq.heapify(self._rechecks)
            return
        for monitor in changed:
            due_ms = self._recheck_due_ms(monitor)
            if due_ms is not None:
                heapq.heappush(self._rechecks, (due_ms, monitor))

    def open(self, round: Round, now_ms: int) -> Verdict | None:
        """Take a round that dispatch has opened."""
        for elector in round.electorate:
            self.sick_regions.place(elector.region, elector.domain, now_ms)
        return self.rounds.open(round, now_ms)

    def result(self, region: str, result: Result, at_ms: int, now_ms: int) -> Call | Verdict | None:
        """Take one result that arrived on a region's stream at `at_ms`; returns a call, a verdict, or None."""
        took_ms = result.phases.total_us // 1000
        # A region that was cut off sends it late: it is no evidence of the present, neither of target nor region.
        held_up_ms = at_ms - result.started_ms - took_ms
        late = held_up_ms > STALE_MS
        if result.round:
            if is_canary(result.round):
                # One region's opinion of an answer: the control plane judges the last of them together.
                return None
            if not late:
                self._note(region, result, at_ms)
            return self.rounds.vote(region, result, at_ms, now_ms)
        if held_up_ms > HELD_UP_MS:
            self.sick_regions.was_late(region, at_ms - held_up_ms, at_ms)
            if late:
                return None
        if self._is_part and not self._shard.owns(result.monitor):
            self._witness(region, result, at_ms)
            return None
        belief = self._beliefs.get(result.monitor)
        if result.status is Status.UP:
            slow = self._learn(region, result, belief, at_ms)
            self.sick_regions.saw(region, result.monitor, False, at_ms)
            if belief is None and not slow:
                return None
            if slow or (belief is not None and belief.status is Status.DEGRADED):
                result, _ = self._judged(region, result)
        else:
            self._note(region, result, at_ms)
        if now_ms - result.started_ms - took_ms > STALE_MS:
            return None
        cause = suspicion(belief, region, result)
        if cause is None or region in self.rounds.quarantined or not self._may_call(result.monitor, region, now_ms):
            return None
        if not self._has_budget(region, now_ms):
            self.over_budget[region] += 1
            return None
        self._called_ms[result.monitor, region] = now_ms
        return Call(VERDICT_VERSION, result.monitor, region, cause, result.started_ms, result.status, result.reason)

    def passed_elsewhere(self, region: str, monitors: Iterable[str], at_ms: int) -> None:
        """Monitors of other shards that passed in a region: of concern where they fail in others."""
        saw = self.sick_regions.saw
        for monitor in monitors:
            saw(region, monitor, False, at_ms)

    def judge_regions(self, now_ms: int, listed: Iterable[Quarantine] | None = None) -> bool:
        """Find which regions are sick, or take what the first shard has `listed`; True when that changed. Call it about
        once a second."""
        if listed is not None:
            changed = self.sick_regions.follow(listed, now_ms)
        else:
            # A hash spreads the monitors of each region evenly over the shards.
            counts = {region: count * self._shard.count for region, count in self.baselines.counts().items()}
            changed = self.sick_regions.judge(now_ms, counts)
        self.rounds.quarantined = self.sick_regions.quarantined
        return changed

    def _lost_way(self, found: LostWay, now_ms: int) -> None:
        """Several regions have lost their way together: from now on they do not count."""
        self.sick_regions.hold_together(found, now_ms)
        self.rounds.quarantined = self.sick_regions.quarantined

    def rechecks(self, now_ms: int) -> list[Call]:
        """Calls for what is to be compared, and for the recovering and the blind monitors that are due again."""
        calls, self.doubts.calls = self.doubts.calls, []
        while self._rechecks and self._rechecks[0][0] <= now_ms:
            _, monitor = heapq.heappop(self._rechecks)
            due_ms = self._recheck_due_ms(monitor)
            if due_ms is None:
                continue
            if due_ms <= now_ms and self._may_call(monitor, "", now_ms):
                self._called_ms[monitor, ""] = now_ms
                calls.append(Call(VERDICT_VERSION, monitor, "", Cause.RECHECK, now_ms))
            # It is repeated until vigil has committed the outcome; a message may be lost.
            heapq.heappush(self._rechecks, (max(due_ms, now_ms + CALL_GAP_MS), monitor))
        return calls

    def forget_before(self, at_ms: int) -> None:
        """Drop what is too old to matter, so that memory does not grow with the number of monitors ever seen."""
        self._called_ms = {caller: called_ms for caller, called_ms in self._called_ms.items() if called_ms >= at_ms}
        self.baselines.forget_before(at_ms // 1000 - FORGOTTEN_AFTER_S)

    def _recheck_due_ms(self, monitor: str) -> int | None:
        belief = self._beliefs.get(monitor)
        return None if belief is None else recheck_due_ms(belief)

    def _may_call(self, monitor: str, region: str, now_ms: int) -> bool:
        called_ms = self._called_ms.get((monitor, region))
        rested = called_ms is None or now_ms - called_ms >= CALL_GAP_MS
        return rested and not self.rounds.is_open_for(monitor)

    def _has_budget(self, region: str, now_ms: int) -> bool:
        # Of all monitors: a shard has its part.
        burst, per_s = CALLS_BURST / self._shard.count, CALLS_PER_S / self._shard.count
        left, since_ms = self._calls_left.get(region, (burst, now_ms))
        left = min(burst, left + max(0, now_ms - since_ms) * per_s / 1000)
        self._calls_left[region] = (max(0.0, left - 1), now_ms)
        return left >= 1

    def _witness(self, region: str, result: Result, at_ms: int) -> None:
        if result.status is Status.UP:
            self.sick_regions.saw(region, result.monitor, False, at_ms)
        else:
            self._note(region, result, at_ms)

    def _note(self, region: str, result: Result, at_ms: int) -> None:
        saw = observed(result.status, result.reason)
        if saw is not None and not self.sick_regions.is_of_a_cut(region, result.started_ms):
            self.sick_regions.saw(region, result.monitor, saw is Observed.FAILING, at_ms)

    def _learn(self, region: str, result: Result, belief: Belief | None, at_ms: int) -> bool:
        """Add a pass to the baseline, except while the monitor is down or unknown; returns whether it is slow."""
        if belief is not None and belief.status not in (Status.UP, Status.DEGRADED):
            return False
        total_us = result.phases.total_us
        return total_us > 0 and self.baselines.learn(region, result.monitor, result.revision, total_us, at_ms)

    def _judged(self, region: str, result: Result) -> tuple[Result, int]:
        """A pass that is slow for this region is DEGRADED; a monitor known to be slow must be well below that."""
        if result.status is not Status.UP or not result.phases.total_us:
            return result, 0
        usual_us = self.baselines.usual_us(region, result)
        belief = self._beliefs.get(result.monitor)
        threshold = STILL_SLOW if belief is not None and belief.status is Status.DEGRADED else SLOW
        if not self.baselines.is_slow(region, result, threshold):
            return result, usual_us
        detail = f"{_ms(result.phases.total_us)}, usually {_ms(usual_us)}"
        return replace(result, status=Status.DEGRADED, reason=Reason.SLOW, detail=detail), usual_us


def _ms(us: int) -> str:
    return f"{us / 1000:.0f} ms" if us < 10_000_000 else f"{us / 1_000_000:.0f} s"

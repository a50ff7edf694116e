"""From results to calls: the fold over everything the regions report. Pure; time is an argument."""

from __future__ import annotations

from collections.abc import Mapping

from consensus.rounds import RoundBook
from consensus.suspicion import recheck_due_ms, suspicion
from consensus.verdicts import VERDICT_VERSION, Belief, Call, Cause, Verdict
from probes.reasons import Status
from probes.wire import Result

#: A region calls for a monitor at most this often; its next scheduled result raises a suspicion that still holds.
#: Another region's suspicion is news and does not wait: what rounds cost is limited where they are opened.
CALL_GAP_MS = 3_000
#: A scheduled result older than this says nothing of now.
STALE_MS = 30_000


class Fold:
    """Everything consensus remembers: the open rounds, what is believed, and who called for what last."""

    def __init__(self) -> None:
        self.rounds = RoundBook()
        self._beliefs: Mapping[str, Belief] = {}
        self._unsettled: dict[str, Belief] = {}
        self._called_ms: dict[tuple[str, str], int] = {}

    def believe(self, beliefs: Mapping[str, Belief]) -> None:
        """Replace all beliefs by what vigil has committed; a monitor that is not among them is plainly up."""
        self._beliefs = beliefs
        self._unsettled = {monitor: belief for monitor, belief in beliefs.items() if recheck_due_ms(belief) is not None}

    def result(self, region: str, result: Result, at_ms: int, now_ms: int) -> Call | Verdict | None:
        """Take one result from a region's stream, where it arrived at `at_ms`: a call, a verdict, or nothing to say."""
        if result.round:
            return self.rounds.vote(region, result, at_ms, now_ms)
        belief = self._beliefs.get(result.monitor)
        if belief is None and result.status is Status.UP:
            return None
        if now_ms - result.started_ms - result.phases.total_us // 1000 > STALE_MS:
            return None
        cause = suspicion(belief, region, result)
        if cause is None or not self._may_call(result.monitor, region, now_ms):
            return None
        self._called_ms[result.monitor, region] = now_ms
        return Call(VERDICT_VERSION, result.monitor, region, cause, result.started_ms, result.status, result.reason)

    def rechecks(self, now_ms: int) -> list[Call]:
        """The recovering and the blind monitors that are due to be asked about again."""
        calls = []
        for monitor, belief in self._unsettled.items():
            due_ms = recheck_due_ms(belief)
            if due_ms is not None and due_ms <= now_ms and self._may_call(monitor, "", now_ms):
                self._called_ms[monitor, ""] = now_ms
                calls.append(Call(VERDICT_VERSION, monitor, "", Cause.RECHECK, now_ms))
        return calls

    def forget_before(self, at_ms: int) -> None:
        """Drop what is too old to matter, so that memory does not grow with the number of monitors ever seen."""
        self._called_ms = {caller: called_ms for caller, called_ms in self._called_ms.items() if called_ms >= at_ms}

    def _may_call(self, monitor: str, region: str, now_ms: int) -> bool:
        called_ms = self._called_ms.get((monitor, region))
        rested = called_ms is None or now_ms - called_ms >= CALL_GAP_MS
        return rested and not self.rounds.is_open_for(monitor)

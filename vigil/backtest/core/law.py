"""Replay of checks through the law: suspicions, rounds, votes, verdicts, incidents. Pure.

Runs the product's law (`consensus.fold`, `consensus.rounds`, `vigil.incidents.core.lifecycle`) on a simulated clock.
Not covered: sick regions, call budgets, maintenance, people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from consensus.fold import CALL_GAP_MS, Fold
from consensus.suspicion import recheck_due_ms
from consensus.verdicts import VERDICT_VERSION, Call, Elector, Excluded, Round, Verdict
from consensus.vocabulary import Exclusion, Sensitivity
from probes.reasons import Reason, Status
from probes.wire import WIRE_VERSION, Phases, Result
from vigil.backtest.core.past import Past, PastResult
from vigil.dispatch.core.opening import LOOKS_MS, SECOND_ATTEMPT_MS, look_length_ms, round_id
from vigil.incidents.core.lifecycle import apply, belief, settle
from vigil.incidents.core.model import BelievedState, Effect, IncidentKind, Step, StepReason

#: Delay from a call to its round, and from a look to its checks.
_WAY_MS = 50
#: A hanging check raises a suspicion after this part of its timeout.
_SOFT = 4


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy: regions with domains, required proof, and the check timeout."""

    domains: Mapping[str, str]
    sensitivity: Sensitivity
    timeout_ms: int


@dataclass(slots=True)
class BacktestPage:
    """A simulated incident; `resolved_ms` is 0 while open."""

    kind: IncidentKind
    started_ms: int
    opened_ms: int
    text: str
    resolved_ms: int = 0
    worse: list[IncidentKind] = field(default_factory=list)


def replay_past(past: Past, policy: Policy, start_ms: int) -> list[BacktestPage]:
    """Incidents that a past would have under a policy; the monitor is up at the start."""
    return list(_Run(past, policy, start_ms).run())


class _Run:
    """Replay of one monitor."""

    def __init__(self, past: Past, policy: Policy, start_ms: int) -> None:
        self._past = past
        self._policy = policy
        self._fold = Fold()
        self._state = BelievedState(status=Status.UP, since_ms=start_ms)
        self._pages: list[BacktestPage] = []
        self._recheck_ms = 0
        self._busy_until_ms = 0

    def run(self) -> Iterator[BacktestPage]:
        for seen in self._past.scheduled():
            if seen.region not in self._policy.domains:
                continue
            result, arrives_ms = self._as_result(seen, seen.at_ms)
            self._advance(arrives_ms)
            answer = self._fold.result(seen.region, result, arrives_ms, arrives_ms)
            # A round takes a while; further calls meanwhile are dropped.
            if isinstance(answer, Call) and arrives_ms >= self._busy_until_ms:
                self._open(answer, arrives_ms)
        yield from self._pages

    def _advance(self, until_ms: int) -> None:
        """Process what is due before the next check: recovery rounds, and the end of flapping."""
        while True:
            believed = belief(self._state)
            due_ms = recheck_due_ms(believed) if believed else None
            if due_ms is None or max(due_ms, self._recheck_ms, self._busy_until_ms) > until_ms:
                break
            at_ms = max(due_ms, self._recheck_ms, self._busy_until_ms)
            self._recheck_ms = at_ms + CALL_GAP_MS
            for call in self._fold.rechecks(at_ms):
                self._open(call, at_ms)
        effect = settle(self._state, until_ms)
        if effect is not None:
            self._take(effect, until_ms, "")

    def _open(self, call: Call, now_ms: int) -> None:
        """Open a round, let every region vote in every look, and apply the verdict."""
        opened = self._round(call, now_ms + _WAY_MS)
        verdict = self._fold.open(opened, opened.opened_ms) or self._voted(opened)
        if verdict is None:
            return
        self._busy_until_ms = verdict.decided_ms
        self._take(apply(self._state, verdict, 0), verdict.decided_ms, verdict.explanation)

    def _voted(self, opened: Round) -> Verdict | None:
        """Verdict of a round, from votes by arrival time and deadlines."""
        votes = []
        for look, at_ms in enumerate(opened.looks_ms, start=1):
            for elector in opened.electorate:
                seen = self._past.near(elector.region, at_ms)
                if seen is not None:
                    result, arrives_ms = self._as_result(seen, at_ms, opened.id, look)
                    votes.append((arrives_ms, elector.region, result))
        for arrives_ms, region, result in sorted(votes, key=lambda vote: vote[:2]):
            overdue = self._fold.rounds.due(arrives_ms)
            verdict = overdue[0] if overdue else self._fold.result(region, result, arrives_ms, arrives_ms)
            if isinstance(verdict, Verdict):
                return verdict
        while (deadline_ms := self._fold.rounds.next_deadline_ms()) is not None:
            decided = self._fold.rounds.due(deadline_ms)
            if decided:
                return decided[0]
        return None

    def _round(self, call: Call, now_ms: int) -> Round:
        electorate, excluded = [], []
        for region, domain in sorted(self._policy.domains.items()):
            if self._past.near(region, now_ms) is None:
                excluded.append(Excluded(region, domain, Exclusion.DARK))
            else:
                electorate.append(Elector(region, domain))
        return Round(
            v=VERDICT_VERSION,
            id=round_id(call.monitor, now_ms),
            monitor=call.monitor,
            cause=call.cause,
            caller=call.region,
            opened_ms=now_ms,
            sensitivity=self._policy.sensitivity,
            assigned=len(self._policy.domains),
            electorate=electorate,
            excluded=excluded,
            looks_ms=[now_ms + after_ms for after_ms in LOOKS_MS[self._policy.sensitivity]],
            look_length_ms=look_length_ms(self._policy.timeout_ms),
            suspected_ms=call.at_ms,
        )

    def _as_result(self, seen: PastResult, at_ms: int, round: str = "", look: int = 0) -> tuple[Result, int]:
        """An observation as a result at a moment, and its arrival."""
        took_ms = seen.total_us // 1000
        if round and seen.status is not Status.UP:
            took_ms += SECOND_ATTEMPT_MS
        elif seen.reason is Reason.TIMEOUT:
            took_ms = self._policy.timeout_ms // _SOFT
        phases = Phases(total_us=seen.total_us)
        result = Result(
            WIRE_VERSION, _MONITOR, at_ms, seen.status, seen.reason, at_ms, phases, round, look, 2 if round else 1
        )
        return result, at_ms + took_ms

    def _take(self, effect: Effect, at_ms: int, text: str) -> None:
        for move in effect.moves:
            if move.step is Step.OPENED:
                self._pages.append(BacktestPage(move.kind, move.started_ms or at_ms, at_ms, text))
            elif move.step is Step.CHANGED and self._open_page(None) is not None:
                page = self._open_page(None)
                assert page is not None
                page.worse.append(page.kind)
                page.kind = move.kind
            elif move.step is Step.RESOLVED:
                page = self._open_page(move.kind)
                if page is not None:
                    page.resolved_ms = at_ms
        self._state = effect.state
        if effect.reason is not StepReason.OLD_ROUND:
            believed = belief(self._state)
            self._fold.believe({_MONITOR: believed} if believed else {}, [_MONITOR])

    def _open_page(self, kind: IncidentKind | None) -> BacktestPage | None:
        """The open page: of its own kind if there is one, else the main page."""
        side = (IncidentKind.REGIONAL, IncidentKind.BLIND)
        for page in reversed(self._pages):
            mine = page.kind == kind if kind in side else page.kind not in side
            if mine and not page.resolved_ms:
                return page
        return None


#: A placeholder that never leaves this file.
_MONITOR = "mon_rehearsed"

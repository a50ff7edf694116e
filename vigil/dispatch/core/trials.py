"""Trials: one look of a monitor for a person, and the verdict that its votes would give. Pure; time is an argument.

A trial is a round that consensus never hears of: the same checks and the same law, and no consequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from consensus.outcome import barred, verdict_of
from consensus.quorum import Decision, decide, without
from consensus.verdicts import VERDICT_VERSION, Call, Elector, Excluded, Round, Verdict, vote_of
from consensus.vocabulary import Cause, Exclusion
from probes.message_decoder import Instant, MessageDecoder, Name, Text
from probes.wire import Check, RegionStatus, Result
from vigil.dispatch.core.opening import open_round
from vigil.dispatch.core.plans import LookOrder, Plan, confirming_check

#: A region without a vote for one of these can look nevertheless.
_CAN_LOOK = frozenset({Exclusion.CLOCK_SKEW, Exclusion.ANCHORS, Exclusion.SHADOW})


class TrialState(StrEnum):
    """Whether a trial still waits for regions."""

    RUNNING = "running"
    DONE = "done"


class AnswerState(StrEnum):
    """What came of one region of a trial."""

    PENDING = "pending"
    ANSWERED = "answered"
    #: No answer came within the deadline.
    SILENT = "silent"
    #: It was not asked: no worker reports there, or it has no key for the secrets.
    NOT_ASKED = "not_asked"


class Trial(msgspec.Struct, frozen=True, array_like=True):
    """What was asked for: the round, and the regions that were sent a check. It holds no secrets and no configuration.

    `monitor` is the id of a saved monitor, or empty; `started_ms` and `deadline_ms` are on Redis' clock.
    """

    id: Name
    team: Name
    monitor: Name
    kind: Name
    target: Text
    started_ms: Instant
    deadline_ms: Instant
    round: Round
    asked: Annotated[list[Name], Meta(max_length=1_000)]


decode_trial: MessageDecoder[Trial] = MessageDecoder(Trial, 1024 * 1024)
_encoder = msgspec.msgpack.Encoder()


def encode_trial(trial: Trial) -> bytes:
    return _encoder.encode(trial)


@dataclass(frozen=True, slots=True)
class RegionAnswer:
    """One region's part of a trial. `why` says why it has no vote; `result` is there once it answered."""

    region: str
    domain: str
    state: AnswerState
    why: Exclusion | None = None
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class TrialReport:
    """A trial as it stands: every region's answer, and the verdict once the law can give one."""

    trial: Trial
    state: TrialState
    answers: tuple[RegionAnswer, ...]
    verdict: Verdict | None


#: A region's result, and when Redis got it.
Came = tuple[Result, int]


def open_trial(plan: Plan, statuses: Mapping[str, RegionStatus], now_ms: int) -> Round:
    """The round of a trial, under the plan's id: one look that begins now."""
    call = Call(VERDICT_VERSION, plan.monitor, "", Cause.FIRST_LOOK, now_ms)
    round = open_round(plan, call, statuses, now_ms)
    return msgspec.structs.replace(round, id=plan.monitor, looks_ms=[now_ms])


def deadline_ms(round: Round) -> int:
    """When a trial ends, whatever has come by then."""
    return round.looks_ms[0] + round.look_length_ms


def trial_orders(plan: Plan, round: Round) -> Iterator[tuple[str, Check]]:
    """The check of every region that can look, also where it would have no vote."""
    start_ms = round.looks_ms[0]
    order = LookOrder(round.id, 1, start_ms, deadline_ms(round) - plan.timeout_ms)
    unable = {one.region for one in round.excluded if one.why not in _CAN_LOOK}
    for region in plan.regions:
        if region.able and region.slug not in unable:
            yield region.slug, confirming_check(plan, region, order)


def report(trial: Trial, came: Mapping[str, Came], quarantined: Mapping[str, Exclusion], now_ms: int) -> TrialReport:
    """A trial as it stands: what has come within the deadline, and what that decides."""
    closed = now_ms > trial.deadline_ms
    in_time = {region: one for region, one in came.items() if one[1] <= trial.deadline_ms and region in trial.asked}
    answers = tuple(_answer(trial, one, in_time, closed) for one in _regions(trial.round))
    open_still = any(one.state is AnswerState.PENDING for one in answers)
    verdict = _verdict(trial.round, in_time, quarantined, (now_ms, int(not open_still)))
    return TrialReport(trial, TrialState.RUNNING if open_still else TrialState.DONE, answers, verdict)


def _regions(round: Round) -> list[Elector | Excluded]:
    return sorted([*round.electorate, *round.excluded], key=lambda one: one.region)


def _answer(trial: Trial, one: Elector | Excluded, came: Mapping[str, Came], closed: bool) -> RegionAnswer:
    answer = RegionAnswer(one.region, one.domain, AnswerState.PENDING, one.why if isinstance(one, Excluded) else None)
    if one.region not in trial.asked:
        return replace(answer, state=AnswerState.NOT_ASKED)
    if one.region in came:
        return replace(answer, state=AnswerState.ANSWERED, result=came[one.region][0])
    return replace(answer, state=AnswerState.SILENT) if closed else answer


def _verdict(
    round: Round, came: Mapping[str, Came], quarantined: Mapping[str, Exclusion], at: tuple[int, int]
) -> Verdict | None:
    now_ms, closed = at
    votes = [
        vote_of(elector, came[elector.region][0], barred(round, *came[elector.region]))
        for elector in round.electorate
        if elector.region in came
    ]
    judged = without(round, quarantined)
    decision: Decision | None = decide(judged, votes, closed)
    return None if decision is None else verdict_of(judged, decision, votes, now_ms, closed)

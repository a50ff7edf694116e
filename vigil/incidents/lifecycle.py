"""The life of an incident, decided: what a verdict does to what is believed of a monitor. Pure.

    UNKNOWN ──pass──► UP ──fail──► DOWN ──2 passing rounds, 60 s──► UP
                       └─degraded─► DEGRADED ─────same─────────────► UP

An account problem (the key is bad, the provider is fine) is DEGRADED with `account` set. Regions that contradict the
quorum are dissent; dissent that repeats is a regional incident. Verdicts may come late, twice or in any order: only
one of a round newer than the last applied one has an effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from consensus.verdicts import VERDICT_VERSION, Belief, Dissent, Observed, Verdict, VerdictReason, observed
from probes.reasons import Status

#: An incident is resolved no sooner than this after it was confirmed, and after this many passing rounds.
RECOVERY_MS = 60_000
RECOVERY_ROUNDS = 2
#: More flips than this within the window and the incident stays open until the monitor has been stable.
FLAP_LIMIT = 4
FLAP_WINDOW_MS = 3_600_000
FLAP_STABLE_MS = 1_800_000
#: Rounds in which a region contradicts the quorum before that is a regional incident.
REGIONAL_ROUNDS = 2


class IncidentKind(StrEnum):
    OUTAGE = "outage"
    DEGRADED = "degraded"
    ACCOUNT = "account"
    REGIONAL = "regional"
    BLIND = "blind"
    #: A job that should have called, and did not or said that it failed.
    HEARTBEAT = "heartbeat"


class Step(StrEnum):
    """One step in an incident's life, as stored in a transition."""

    OPENED = "opened"
    CHANGED = "changed"
    NOTE = "note"
    RESOLVED = "resolved"
    #: What people and the clock do to an incident that is open.
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    ESCALATED = "escalated"
    REMINDED = "reminded"


class StepReason(StrEnum):
    """Why a verdict had the effect it had, or none; or what else made a step."""

    CONFIRMED = "confirmed"
    WORSENED = "worsened"
    IMPROVED = "improved"
    RECOVERING = "recovering"
    RECOVERED = "recovered"
    STILL_FAILING = "still_failing"
    STILL_PASSING = "still_passing"
    FIRST_PASS = "first_pass"
    FLAPPING = "flapping"
    STABLE_AGAIN = "stable_again"
    MINORITY_FAILS = "minority_fails"
    MINORITY_RECOVERED = "minority_recovered"
    BECAME_OUTAGE = "became_outage"
    TOO_FEW_VOTES = "too_few_votes"
    CAN_SEE_AGAIN = "can_see_again"
    NO_QUORUM = "no_quorum"
    OLD_ROUND = "old_round"
    OLD_REVISION = "old_revision"
    OLD_EPOCH = "old_epoch"
    REGION_DARK = "region_dark"
    REGION_BACK = "region_back"
    MONITOR_PAUSED = "monitor_paused"
    MONITOR_DELETED = "monitor_deleted"
    # What a heartbeat's pings, or their absence, say.
    PING_MISSED = "ping_missed"
    JOB_FAILED = "job_failed"
    JOB_OVERRAN = "job_overran"
    JOB_WELL = "job_well"
    BUDGET_EXCEEDED = "budget_exceeded"
    BUDGET_KEPT = "budget_kept"
    NOT_RECEIVING = "not_receiving"
    RECEIVING_AGAIN = "receiving_again"
    # What people and the clock do.
    BY_PERSON = "by_person"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    SNOOZE_OVER = "snooze_over"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True)
class State:
    """What is believed of one monitor. `flips_ms` are the recent times it went down or came back."""

    status: Status = Status.UNKNOWN
    since_ms: int = 0
    account: bool = False
    dissent: Mapping[str, Dissent] = field(default_factory=dict)
    passed_rounds: int = 0
    round_ms: int = 0
    flips_ms: tuple[int, ...] = ()
    open: IncidentKind | None = None
    regional: bool = False
    blind: bool = False
    flapping: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One step to write: of which kind of incident, and why. `started_ms` is the first failing observation."""

    kind: IncidentKind
    step: Step
    reason: StepReason
    started_ms: int = 0


@dataclass(frozen=True, slots=True)
class Effect:
    """What a verdict does: the next state, the steps to write in the same transaction, and the reason."""

    state: State
    moves: tuple[Move, ...]
    reason: StepReason


def believed(state: State) -> Observed | None:
    """What every region is expected to see of a monitor in this state; None while nothing is known."""
    if state.account:
        return Observed.ACCOUNT
    return {Status.UP: Observed.PASSING, Status.DEGRADED: Observed.DEGRADED, Status.DOWN: Observed.FAILING}.get(
        state.status
    )


def belief(state: State) -> Belief | None:
    """What consensus is to believe; None for a monitor that is plainly up everywhere."""
    if state.status is Status.UP and not state.dissent and not state.blind:
        return None
    return Belief(
        v=VERDICT_VERSION,
        status=state.status,
        since_ms=state.since_ms,
        dissent=dict(state.dissent),
        passed_rounds=state.passed_rounds,
        account=state.account,
        round_ms=state.round_ms,
        blind=state.blind,
    )


def apply(state: State, verdict: Verdict, revision: int) -> Effect:
    """Step the life cycle by one verdict; `revision` is the monitor's configuration now.

    1. A verdict on an older round, or on another configuration, has no effect.
    2. Too few votes change nothing but that the monitor is blind.
    3. Otherwise the status moves by the law, and then the dissent is counted against the new status.
    """
    if verdict.opened_ms <= state.round_ms:
        return Effect(state, (), StepReason.OLD_ROUND)
    if verdict.revision != revision:
        return Effect(state, (), StepReason.OLD_REVISION)
    state = replace(state, round_ms=verdict.opened_ms)
    if verdict.reason is VerdictReason.TOO_FEW_VOTES:
        moves = () if state.blind else (Move(IncidentKind.BLIND, Step.OPENED, StepReason.TOO_FEW_VOTES),)
        return Effect(replace(state, blind=True), moves, StepReason.TOO_FEW_VOTES)
    seeing: tuple[Move, ...] = ()
    if state.blind:
        seeing = (Move(IncidentKind.BLIND, Step.RESOLVED, StepReason.CAN_SEE_AGAIN),)
        state = replace(state, blind=False)
    effect = _step(state, verdict)
    effect = _count_dissent(effect, verdict, changed=believed(effect.state) is not believed(state))
    return replace(effect, moves=seeing + effect.moves)


def settle(state: State, now_ms: int) -> Effect | None:
    """End flapping once the monitor has been up for long enough; None when there is nothing to do."""
    if not (state.flapping and state.open and state.status is Status.UP):
        return None
    if now_ms - state.since_ms < FLAP_STABLE_MS:
        return None
    move = Move(state.open, Step.RESOLVED, StepReason.STABLE_AGAIN)
    return Effect(replace(state, open=None, flapping=False, flips_ms=()), (move,), StepReason.STABLE_AGAIN)


def retire(state: State, reason: StepReason) -> Effect:
    """Forget a monitor that is paused or deleted: what is open is resolved, and nothing is believed."""
    kinds = [state.open, IncidentKind.REGIONAL if state.regional else None, IncidentKind.BLIND if state.blind else None]
    moves = tuple(Move(kind, Step.RESOLVED, reason) for kind in kinds if kind)
    return Effect(State(round_ms=state.round_ms), moves, reason)


def _step(state: State, verdict: Verdict) -> Effect:
    if verdict.status is Status.UP:
        return _passed(state, verdict)
    if verdict.status is Status.UNKNOWN:
        return Effect(state, (), StepReason.NO_QUORUM)
    return _failed(state, verdict)


def _passed(state: State, verdict: Verdict) -> Effect:
    now = verdict.decided_ms
    if state.status in (Status.UP, Status.UNKNOWN):
        first = state.status is Status.UNKNOWN
        since = now if first else state.since_ms
        reason = StepReason.FIRST_PASS if first else StepReason.STILL_PASSING
        return Effect(replace(state, status=Status.UP, since_ms=since), (), reason)
    passed = state.passed_rounds + 1
    if passed < RECOVERY_ROUNDS or now - state.since_ms < RECOVERY_MS:
        return Effect(replace(state, passed_rounds=passed), (), StepReason.RECOVERING)
    up = replace(state, status=Status.UP, account=False, since_ms=now, passed_rounds=0)
    up = replace(up, flips_ms=_flips(state, now))
    if state.open is None:
        return Effect(up, (), StepReason.RECOVERED)
    if len(up.flips_ms) > FLAP_LIMIT:
        note = () if state.flapping else (Move(state.open, Step.NOTE, StepReason.FLAPPING),)
        return Effect(replace(up, flapping=True), note, StepReason.FLAPPING)
    move = Move(state.open, Step.RESOLVED, StepReason.RECOVERED)
    return Effect(replace(up, open=None, flapping=False), (move,), StepReason.RECOVERED)


def _failed(state: State, verdict: Verdict) -> Effect:
    account = verdict.reason is VerdictReason.ACCOUNT
    kind = _kind(verdict)
    begun = state.status is not verdict.status or state.account is not account
    bad = replace(state, status=verdict.status, account=account, passed_rounds=0)
    if begun:
        bad = replace(bad, since_ms=verdict.decided_ms)
    if state.status in (Status.UP, Status.UNKNOWN):
        bad = replace(bad, flips_ms=_flips(state, verdict.decided_ms))
    if state.open is None:
        opened = Move(kind, Step.OPENED, StepReason.CONFIRMED, verdict.suspected_ms or verdict.opened_ms)
        return Effect(replace(bad, open=kind), (opened,), StepReason.CONFIRMED)
    if not begun:
        return Effect(bad, (), StepReason.STILL_FAILING)
    if _severity(kind) > _severity(state.open):
        changed = Move(kind, Step.CHANGED, StepReason.WORSENED)
        return Effect(replace(bad, open=kind), (changed,), StepReason.WORSENED)
    if state.status is Status.UP:
        return Effect(bad, (), StepReason.FLAPPING)
    return Effect(bad, (Move(state.open, Step.NOTE, StepReason.IMPROVED),), StepReason.IMPROVED)


def _count_dissent(effect: Effect, verdict: Verdict, *, changed: bool) -> Effect:
    """Count the regions that contradict the new state, and open or resolve the regional incident that follows."""
    state = effect.state
    expected = believed(state)
    if expected is None:
        return effect
    seen = _last_votes(verdict)
    before = {} if changed else state.dissent
    # Who was not waited for keeps their dissent. Who could not vote, or is not assigned any more, loses it: what they
    # see next is news, since silent dissenters could be a quorum together.
    unheard = set(verdict.assigned) - {one.region for one in verdict.excluded} - seen.keys()
    dissent = {region: old for region, old in before.items() if region in unheard}
    for region, what in seen.items():
        if what is not expected:
            old = before.get(region)
            rounds = old.rounds + 1 if old and old.saw is what else 1
            dissent[region] = Dissent(what, min(rounds, REGIONAL_ROUNDS))
    state = replace(state, dissent=dissent)
    failing = [each for each in dissent.values() if each.saw is Observed.FAILING]
    lasting = state.status is Status.UP and any(each.rounds >= REGIONAL_ROUNDS for each in failing)
    if lasting == state.regional or (state.regional and state.status is Status.UP and failing):
        return replace(effect, state=state)
    if lasting:
        move = Move(IncidentKind.REGIONAL, Step.OPENED, StepReason.MINORITY_FAILS, verdict.suspected_ms)
    else:
        healed = state.status is Status.UP
        why = StepReason.MINORITY_RECOVERED if healed else StepReason.BECAME_OUTAGE
        move = Move(IncidentKind.REGIONAL, Step.RESOLVED, why)
    return replace(effect, state=replace(state, regional=lasting), moves=(*effect.moves, move))


def _last_votes(verdict: Verdict) -> dict[str, Observed]:
    votes: dict[str, Observed] = {}
    for vote in sorted(verdict.votes, key=lambda vote: vote.look):
        what = observed(vote.status, vote.reason)
        if what is not None:
            votes[vote.region] = what
    return votes


def _kind(verdict: Verdict) -> IncidentKind:
    if verdict.reason is VerdictReason.ACCOUNT:
        return IncidentKind.ACCOUNT
    return IncidentKind.OUTAGE if verdict.status is Status.DOWN else IncidentKind.DEGRADED


def _severity(kind: IncidentKind) -> int:
    return {IncidentKind.DEGRADED: 1, IncidentKind.ACCOUNT: 2, IncidentKind.OUTAGE: 3}.get(kind, 0)


def _flips(state: State, now_ms: int) -> tuple[int, ...]:
    return (*(at for at in state.flips_ms if now_ms - at < FLAP_WINDOW_MS), now_ms)

"""Incident life cycle (state machine with hysteresis): effect of a verdict on a monitor. Pure.

    UNKNOWN ──pass──► UP ──fail──► DOWN ──2 passing rounds, 60 s──► UP
                       └─degraded─► DEGRADED ─────same─────────────► UP

An account problem (the key is bad, the provider is fine) is DEGRADED with `account` set. Regions that contradict the
quorum are dissent; repeated dissent is a regional incident. Verdicts may be late, repeated or out of order: only those
of a newer round have an effect.
"""

from __future__ import annotations

from dataclasses import replace

from consensus.verdicts import VERDICT_VERSION, Belief, Verdict
from consensus.vocabulary import VerdictReason
from probes.reasons import Status
from vigil.incidents.core.blindness import blinded, seeing_again
from vigil.incidents.core.dissent import count_dissent
from vigil.incidents.core.model import BelievedState, Effect, IncidentKind, Move, Step, StepReason, believed

#: Hysteresis: earliest resolution after it was confirmed or got worse, and passing rounds required.
RECOVERY_MS = 60_000
RECOVERY_ROUNDS = 2
#: More flips within the window keep the incident open until the monitor is stable.
FLAP_LIMIT = 4
FLAP_WINDOW_MS = 3_600_000
FLAP_STABLE_MS = 1_800_000


def belief(state: BelievedState) -> Belief | None:
    """Published belief for consensus; None for a monitor that is up in all regions."""
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


def apply(state: BelievedState, verdict: Verdict, revision: int) -> Effect:
    """Step the life cycle by one verdict; `revision` is the monitor's present configuration.

    1. A verdict of an older round or another configuration has no effect.
    2. Too few votes only mark the monitor blind; the second such round alerts its operator.
    3. Otherwise the status changes, then dissent is counted against the new status.
    """
    if verdict.opened_ms <= state.round_ms:
        return Effect(state, (), StepReason.OLD_ROUND)
    if verdict.revision != revision:
        return Effect(state, (), StepReason.OLD_REVISION)
    state = replace(state, round_ms=verdict.opened_ms)
    if verdict.reason is VerdictReason.TOO_FEW_VOTES:
        return blinded(state, verdict)
    seeing = seeing_again(state, StepReason.CAN_SEE_AGAIN)
    state = replace(state, blind=False, blind_cause="")
    effect = _step(state, verdict)
    effect = count_dissent(effect, verdict, changed=believed(effect.state) is not believed(state))
    return replace(effect, moves=seeing + effect.moves)


def settle(state: BelievedState, now_ms: int) -> Effect | None:
    """End flapping once the monitor was up for long enough; None if not."""
    if not (state.flapping and state.open and state.status is Status.UP):
        return None
    if now_ms - state.since_ms < FLAP_STABLE_MS:
        return None
    move = Move(state.open, Step.RESOLVED, StepReason.STABLE_AGAIN)
    return Effect(replace(state, open=None, flapping=False, flips_ms=()), (move,), StepReason.STABLE_AGAIN)


def retire(state: BelievedState, reason: StepReason) -> Effect:
    """State of a paused or deleted monitor: incidents resolved, status unknown."""
    kinds = [state.open, IncidentKind.REGIONAL if state.regional else None]
    moves = tuple(Move(kind, Step.RESOLVED, reason) for kind in kinds if kind)
    return Effect(BelievedState(round_ms=state.round_ms), (*moves, *seeing_again(state, reason)), reason)


def _step(state: BelievedState, verdict: Verdict) -> Effect:
    if verdict.status is Status.UP:
        return _passed(state, verdict)
    if verdict.status is Status.UNKNOWN:
        return Effect(state, (), StepReason.NO_QUORUM)
    return _failed(state, verdict)


def _passed(state: BelievedState, verdict: Verdict) -> Effect:
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
    up = replace(up, flips_ms=flips(state, now))
    if state.open is None:
        return Effect(up, (), StepReason.RECOVERED)
    if len(up.flips_ms) > FLAP_LIMIT:
        note = () if state.flapping else (Move(state.open, Step.NOTE, StepReason.FLAPPING),)
        return Effect(replace(up, flapping=True), note, StepReason.FLAPPING)
    move = Move(state.open, Step.RESOLVED, StepReason.RECOVERED)
    return Effect(replace(up, open=None, flapping=False), (move,), StepReason.RECOVERED)


def _failed(state: BelievedState, verdict: Verdict) -> Effect:
    account = verdict.reason is VerdictReason.ACCOUNT
    kind = _kind(verdict)
    begun = state.status is not verdict.status or state.account is not account
    bad = replace(state, status=verdict.status, account=account, passed_rounds=0)
    worse = _rank(bad) > _rank(state)
    if worse:
        # What got better is on its way to recovery, so a slow look in it does not begin the minute anew.
        bad = replace(bad, since_ms=verdict.decided_ms)
    if state.status in (Status.UP, Status.UNKNOWN):
        bad = replace(bad, flips_ms=flips(state, verdict.decided_ms))
    if state.open is None:
        started_ms = min(verdict.suspected_ms or verdict.opened_ms, verdict.decided_ms)
        opened = Move(kind, Step.OPENED, StepReason.CONFIRMED, started_ms)
        return Effect(replace(bad, open=kind), (opened,), StepReason.CONFIRMED)
    if not begun:
        return Effect(bad, (), StepReason.STILL_FAILING)
    if _severity(kind) > _severity(state.open):
        changed = Move(kind, Step.CHANGED, StepReason.WORSENED)
        return Effect(replace(bad, open=kind), (changed,), StepReason.WORSENED)
    if state.status is Status.UP and state.flapping:
        return Effect(bad, (), StepReason.FLAPPING)
    if state.status in (Status.UP, Status.UNKNOWN):
        # What was only foretold of it (a quota, its regions) has an incident open: now a quorum has seen it fail.
        kind = max(kind, state.open, key=_severity)
        return Effect(replace(bad, open=kind), (Move(kind, Step.CHANGED, StepReason.WORSENED),), StepReason.WORSENED)
    if worse:
        return Effect(bad, (Move(state.open, Step.NOTE, StepReason.WORSENED),), StepReason.WORSENED)
    return Effect(bad, (Move(state.open, Step.NOTE, StepReason.IMPROVED),), StepReason.IMPROVED)


def _kind(verdict: Verdict) -> IncidentKind:
    if verdict.reason is VerdictReason.ACCOUNT:
        return IncidentKind.ACCOUNT
    return IncidentKind.OUTAGE if verdict.status is Status.DOWN else IncidentKind.DEGRADED


def _severity(kind: IncidentKind) -> int:
    return {IncidentKind.DEGRADED: 1, IncidentKind.ACCOUNT: 2, IncidentKind.OUTAGE: 3}.get(kind, 0)


def _rank(state: BelievedState) -> int:
    """How bad a state is; 0 when nothing is wrong."""
    if state.account:
        return _severity(IncidentKind.ACCOUNT)
    return {Status.DOWN: _severity(IncidentKind.OUTAGE), Status.DEGRADED: _severity(IncidentKind.DEGRADED)}.get(
        state.status, 0
    )


def flips(state: BelievedState, now_ms: int) -> tuple[int, ...]:
    """The changes of the last hour, with one of now (ms)."""
    return (*(at for at in state.flips_ms if now_ms - at < FLAP_WINDOW_MS), now_ms)

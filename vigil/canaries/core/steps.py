"""Canary life cycle: what the window of its last answers makes of its state. Pure.

A canary is never DOWN: it tells of the quality of answers, and whether the service answers at all others tell. There is
no waiting either but where it flaps: the window is the hysteresis.
"""

from __future__ import annotations

from dataclasses import replace

from probes.reasons import Status
from vigil.canaries.core.window import WindowStanding
from vigil.incidents.core.lifecycle import FLAP_LIMIT, flips, retire
from vigil.incidents.core.model import BelievedState, Effect, IncidentKind, Move, Step, StepReason


def canary_step(state: BelievedState, standing: WindowStanding, now_ms: int, began_ms: int = 0) -> Effect | None:
    """The step from the present state to what the window says; None if nothing changes.

    `began_ms` is when the first bad answer of the window was asked for.
    """
    if standing is WindowStanding.UNDECIDED:
        return None
    if standing is WindowStanding.STOPPED:
        known = state.status is not Status.UNKNOWN or state.open is not None
        return retire(state, StepReason.MONITOR_PAUSED) if known else None
    if standing is WindowStanding.GOOD:
        return _good(state, now_ms)
    account = standing is WindowStanding.ACCOUNT
    kind = IncidentKind.ACCOUNT if account else IncidentKind.DEGRADED
    if state.status is Status.DEGRADED and state.account is account and state.open is kind:
        return None
    bad = replace(state, status=Status.DEGRADED, account=account, open=kind, round_ms=now_ms)
    if state.status is not Status.DEGRADED:
        bad = replace(bad, since_ms=now_ms, flips_ms=flips(state, now_ms))
    if state.open is None:
        opened = Move(kind, Step.OPENED, StepReason.CONFIRMED, began_ms or now_ms)
        return Effect(bad, (opened,), StepReason.CONFIRMED)
    if state.flapping and state.open is kind:
        return Effect(bad, (), StepReason.FLAPPING)
    return Effect(bad, (Move(kind, Step.CHANGED, StepReason.WORSENED),), StepReason.WORSENED)


def _good(state: BelievedState, now_ms: int) -> Effect | None:
    if state.status is Status.UP and (state.open is None or state.flapping):
        # What flaps is resolved once it was well for long (`lifecycle.settle`).
        return None
    up = replace(state, status=Status.UP, account=False, since_ms=now_ms, round_ms=now_ms)
    if state.open is None:
        return Effect(up, (), StepReason.FIRST_PASS)
    up = replace(up, flips_ms=flips(state, now_ms))
    if len(up.flips_ms) > FLAP_LIMIT:
        note = () if state.flapping else (Move(state.open, Step.NOTE, StepReason.FLAPPING),)
        return Effect(replace(up, flapping=True), note, StepReason.FLAPPING)
    up = replace(up, open=None, flapping=False)
    return Effect(up, (Move(state.open, Step.RESOLVED, StepReason.RECOVERED),), StepReason.RECOVERED)

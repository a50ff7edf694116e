"""Blind monitors: too few regions can vote; when to alert the operator, and the cause. Pure."""

from __future__ import annotations

from dataclasses import replace

from consensus.verdicts import Verdict
from vigil.incidents.core.model import BelievedState, Effect, IncidentKind, Move, Step, StepReason

CAUSE_LIMIT = 100


def blinded(state: BelievedState, verdict: Verdict) -> Effect:
    """The first blind round may be a restart of regions; the second alerts."""
    blind = replace(state, blind=True)
    if not state.blind or state.blind_cause:
        return Effect(blind, (), StepReason.TOO_FEW_VOTES)
    cause = cause_of_blindness(verdict)
    opened = Move(IncidentKind.BLIND, Step.OPENED, StepReason.TOO_FEW_VOTES, cause=cause)
    return Effect(replace(blind, blind_cause=cause), (opened,), StepReason.TOO_FEW_VOTES)


def seeing_again(state: BelievedState, reason: StepReason) -> tuple[Move, ...]:
    if not state.blind_cause:
        return ()
    return (Move(IncidentKind.BLIND, Step.RESOLVED, reason, cause=state.blind_cause),)


def cause_of_blindness(verdict: Verdict) -> str:
    """Cause of blindness: the regions excluded from the start. Those that missed a round differ by chance."""
    named: dict[str, set[str]] = {}
    for one in verdict.excluded:
        named.setdefault(one.why.value, set()).update([] if one.look else [one.region])
    reasons = [" ".join([why.replace("_", " "), *sorted(regions)]) for why, regions in sorted(named.items())]
    cause = ", ".join(reasons) or "no region"
    return cause if len(cause) <= CAUSE_LIMIT else f"{cause[: CAUSE_LIMIT - 1]}…"

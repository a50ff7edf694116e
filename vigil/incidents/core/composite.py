"""Composite life cycle: decided by its members' states, without quorum or waiting. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from probes.reasons import Status
from vigil.incidents.core.model import BelievedState, Effect, IncidentKind, Move, Step, StepReason
from vigil.monitors.core.composite_rules import (
    RANKED,
    UNKNOWN,
    CompositeRule,
    Part,
    StatusBounds,
    evaluate,
    exactly,
    settle,
)
from vigil.monitors.core.readiness import ChainTarget, Readiness, ReadinessReason, Value, in_words, readiness

_STATUS = {Value.UP: Status.UP, Value.DEGRADED: Status.DEGRADED, Value.DOWN: Status.DOWN}
_VALUE = {status: value for value, status in _STATUS.items()}
_KIND = {Value.DEGRADED: IncidentKind.DEGRADED, Value.DOWN: IncidentKind.OUTAGE}
UNREADY = {
    ReadinessReason.NO_FALLBACK: "no fallback could take over",
    ReadinessReason.NO_HEADROOM: "no headroom in the fallback",
    ReadinessReason.DEGRADED_FALLBACK: "its fallback is degraded",
}
#: From bad to worse, of one that is degraded either way.
_WORSE = (
    ReadinessReason.READY,
    ReadinessReason.DEGRADED_FALLBACK,
    ReadinessReason.NO_HEADROOM,
    ReadinessReason.NO_FALLBACK,
    ReadinessReason.ON_FALLBACK,
)
NAMED_MOST = 5


@dataclass(frozen=True, slots=True)
class MemberSeen:
    """A member's state. `open` is the kind of its open incident, which began at `since_ms`."""

    id: str
    name: str
    rank: int
    group: str
    state: BelievedState
    open: IncidentKind | None = None
    failure: str = ""
    since_ms: int = 0
    #: Its key has no headroom for the requests of others.
    short: bool = False

    @property
    def bounds(self) -> StatusBounds:
        """Best and worst possible state. An unknown member may be either; a flapping one is as bad as its incident."""
        if self.state.blind or self.state.status is Status.UNKNOWN:
            return UNKNOWN
        if self.state.account or self.open is IncidentKind.ACCOUNT:
            return exactly(Value.DOWN)
        value = _VALUE[self.state.status]
        if self.state.flapping and self.open is not None:
            value = min(value, Value.DOWN if self.open is IncidentKind.OUTAGE else Value.DEGRADED)
        return exactly(value)


@dataclass(frozen=True, slots=True)
class Whole:
    """A composite and its watched members."""

    name: str
    rule: CompositeRule
    k: int
    members: tuple[MemberSeen, ...]

    @property
    def bounds(self) -> StatusBounds:
        return evaluate(self.rule, self.k, [Part(one.bounds, one.rank, one.short) for one in self.members])

    @property
    def lost(self) -> tuple[MemberSeen, ...]:
        """Members that are certainly down."""
        return tuple(member for member in self.members if member.bounds.best is Value.DOWN)

    @property
    def serving(self) -> tuple[MemberSeen, ...]:
        return tuple(member for member in self.members if member.bounds.worst > Value.DOWN)

    @property
    def unseen(self) -> tuple[MemberSeen, ...]:
        return tuple(member for member in self.members if not member.bounds.known)

    @property
    def readiness(self) -> Readiness:
        """What would happen if the member that serves died now."""
        return readiness(
            [
                ChainTarget(one.name, one.rank, one.bounds.best if one.bounds.known else None, one.short)
                for one in self.members
            ]
        )

    @property
    def began_ms(self) -> int:
        """Start of its present state: that of the newest member incident in it."""
        return max((member.since_ms for member in self.members if member.open is not None), default=0)


def derive(state: BelievedState, bounds: StatusBounds, now_ms: int, began_ms: int = 0) -> Effect | None:
    """The step from the present state to the members' result; None if nothing changes."""
    was = _VALUE.get(state.status)
    value = settle(was, bounds)
    if value is None or value is was:
        return None
    moved = replace(state, status=_STATUS[value], since_ms=now_ms, round_ms=now_ms)
    if value is Value.UP:
        if state.open is None:
            return Effect(moved, (), StepReason.FIRST_PASS)
        move = Move(state.open, Step.RESOLVED, StepReason.RECOVERED)
        return Effect(replace(moved, open=None), (move,), StepReason.RECOVERED)
    kind = _KIND[value]
    if state.open is None:
        opened = Move(kind, Step.OPENED, StepReason.CONFIRMED, began_ms or now_ms)
        return Effect(replace(moved, open=kind), (opened,), StepReason.CONFIRMED)
    if was is not None and value > was:
        return Effect(moved, (Move(state.open, Step.NOTE, StepReason.IMPROVED),), StepReason.IMPROVED)
    return Effect(replace(moved, open=kind), (Move(kind, Step.CHANGED, StepReason.WORSENED),), StepReason.WORSENED)


def told_anew(state: BelievedState, whole: Whole, told: str) -> Effect | None:
    """The step of a chain that is degraded still, for a worse reason than the one that was told; None for any other.

    Only from bad to worse, so that what comes and goes is told once.
    """
    reason = whole.readiness.reason if whole.rule is CompositeRule.READINESS else None
    is_degraded = state.status is Status.DEGRADED and state.open is IncidentKind.DEGRADED
    if not is_degraded or reason not in _WORSE or told not in _WORSE:
        return None
    if _WORSE.index(reason) <= _WORSE.index(ReadinessReason(told)):
        return None
    return Effect(state, (Move(IncidentKind.DEGRADED, Step.CHANGED, StepReason.WORSENED),), StepReason.WORSENED)


def title_of(whole: Whole, status: Status) -> str:
    """Short description of the problem."""
    if status is Status.DOWN:
        return f"{whole.name}: nothing serves" if not whole.serving else f"{whole.name} is down"
    if whole.rule is CompositeRule.READINESS and not _primary_lost(whole):
        return f"{whole.name}: {UNREADY.get(whole.readiness.reason, 'is degraded')}"
    if whole.rule in RANKED and whole.serving:
        return f"{whole.name} runs on a fallback" if _primary_lost(whole) else f"{whole.name} is degraded"
    return (
        f"{whole.name} has lost {len(whole.lost)} of {len(whole.members)}"
        if whole.lost
        else f"{whole.name} is degraded"
    )


def explain(whole: Whole) -> str:
    """States of the members, in sentences."""
    said = []
    if whole.lost:
        said.append(f"Not serving: {_named(whole.lost)}.")
    if whole.serving:
        said.append(f"Serving: {_named(whole.serving)}.")
    if whole.unseen:
        said.append(f"Unknown now: {_named(whole.unseen)}.")
    if whole.rule is CompositeRule.READINESS:
        said.insert(0, in_words(whole.readiness, whole.name))
    return " ".join([*said, _asked(whole)])


def evidence_of_members(whole: Whole) -> dict[str, Any]:
    """Evidence of a composite's step, to be stored."""
    readiness = {"readiness": whole.readiness.reason.value} if whole.rule is CompositeRule.READINESS else {}
    return {
        **readiness,
        "needs": whole.rule.value,
        "at_least": whole.k,
        "explanation": explain(whole),
        "members": [
            {
                "monitor": member.id,
                "name": member.name,
                "rank": member.rank,
                "group": member.group,
                "status": member.state.status.value,
                "account": member.state.account,
                "known": member.bounds.known,
                "short_of_headroom": member.short,
                "failure": member.failure,
                "since_ms": member.since_ms,
            }
            for member in whole.members
        ],
    }


def _primary_lost(whole: Whole) -> bool:
    first = min(member.rank for member in whole.members)
    return all(member.bounds.best is Value.DOWN for member in whole.members if member.rank == first)


def _asked(whole: Whole) -> str:
    if whole.rule in RANKED:
        return "The first one that works is used, in this order."
    asked = {CompositeRule.ALL: "All", CompositeRule.ANY: "One"}.get(whole.rule, f"At least {whole.k}")
    return f"{asked} of {len(whole.members)} must work."


def _named(members: Sequence[MemberSeen]) -> str:
    names = [_in_words(member) for member in members[:NAMED_MOST]]
    more = len(members) - NAMED_MOST
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _in_words(member: MemberSeen) -> str:
    role = f", fallback {member.rank}" if member.rank else ""
    group = f" for {member.group}" if member.group else ""
    why = member.failure.replace("_", " ") if member.open is not None else ""
    said = f"{group}{role}{': ' if why and (group or role) else ''}{why}".strip(" ,")
    return f"{member.name} ({said})" if said else member.name

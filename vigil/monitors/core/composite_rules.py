"""Composite rules: best and worst status of a composite, given unknown members. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from vigil.monitors.core.readiness import ChainTarget, Value, readiness, value_of

KeyT = TypeVar("KeyT", bound=Hashable)


class CompositeRule(StrEnum):
    """How many members must be up. In a chain: one of any rank; rank 0 serves, higher ranks are fallbacks.

    Readiness is a chain that also warns before: where no fallback could take over from the one that serves.
    """

    ALL = "all"
    ANY = "any"
    AT_LEAST = "at_least"
    CHAIN = "chain"
    READINESS = "readiness"


#: Rules by which members have a rank and a group.
RANKED = frozenset({CompositeRule.CHAIN, CompositeRule.READINESS})


@dataclass(frozen=True, slots=True)
class StatusBounds:
    """Worst and best possible status; equal when known."""

    worst: Value
    best: Value

    @property
    def known(self) -> bool:
        return self.worst is self.best


UNKNOWN = StatusBounds(Value.DOWN, Value.UP)


def exactly(value: Value) -> StatusBounds:
    return StatusBounds(value, value)


@dataclass(frozen=True, slots=True)
class Part:
    """One member as the rule sees it. `short`: its key has no headroom for the requests of others."""

    bounds: StatusBounds
    rank: int = 0
    short: bool = False


def evaluate(rule: CompositeRule, k: int, parts: Sequence[Part]) -> StatusBounds:
    """Exact bounds: status if every unknown member were down, and if every one were up. Too few members: unknown."""
    if not parts or (rule is CompositeRule.AT_LEAST and k > len(parts)):
        return UNKNOWN
    worst = _whole(rule, k, [(part.rank, part.bounds.worst, part.short) for part in parts])
    best = _whole(rule, k, [(part.rank, part.bounds.best, part.short) for part in parts])
    return StatusBounds(worst, best)


def settle(believed: Value | None, bounds: StatusBounds) -> Value | None:
    """Next status: moved no further than the bounds require, so unknown members change nothing; None while unknown."""
    if believed is not None:
        return min(max(believed, bounds.worst), bounds.best)
    return bounds.best if bounds.known or bounds.best is not Value.UP else None


def _whole(rule: CompositeRule, k: int, members: Sequence[tuple[int, Value, bool]]) -> Value:
    if rule is CompositeRule.CHAIN:
        return _chain([(rank, value) for rank, value, _ in members])
    if rule is CompositeRule.READINESS:
        return value_of(readiness([ChainTarget("", rank, value, short) for rank, value, short in members]))
    values = sorted((value for _, value, _ in members), reverse=True)
    needed = {CompositeRule.ALL: len(values), CompositeRule.ANY: 1}.get(rule, k)
    reached = values[needed - 1]
    # A degraded fallback is still usable; a lost one degrades the chain.
    return min(reached, Value.DEGRADED) if values[-1] is Value.DOWN else reached


def _chain(members: Sequence[tuple[int, Value]]) -> Value:
    first = min(rank for rank, _ in members)
    serving = max(value for rank, value in members if rank == first)
    if serving is not Value.DOWN:
        return serving
    standing_in = max((value for rank, value in members if rank != first), default=Value.DOWN)
    return min(standing_in, Value.DEGRADED)


def find_circle(below: Mapping[KeyT, Collection[KeyT]], start: KeyT) -> list[KeyT]:
    """A path from `start` back to itself, both ends included; empty if there is no cycle."""
    trail: list[KeyT] = [start]
    seen: set[KeyT] = set()
    open_ways = [iter(below.get(start, ()))]
    while open_ways:
        step = next(open_ways[-1], None)
        if step is None:
            open_ways.pop()
            trail.pop()
        elif step == start:
            return [*trail, start]
        elif step not in seen:
            seen.add(step)
            trail.append(step)
            open_ways.append(iter(below.get(step, ())))
    return []


def depth(below: Mapping[KeyT, Collection[KeyT]], start: KeyT) -> int:
    """Longest path down from `start`, in steps; there must be no cycle."""
    reached: dict[KeyT, int] = {}
    todo = [start]
    while todo:
        key = todo[-1]
        missing = [one for one in below.get(key, ()) if one not in reached]
        if missing:
            todo += missing
        else:
            reached[key] = 1 + max((reached[one] for one in below.get(key, ())), default=-1)
            todo.pop()
    return reached[start]

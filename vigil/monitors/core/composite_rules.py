"""What the members of a composite say together: worst and best that it can be, given what is not known. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


class CompositeRule(StrEnum):
    """How many members must serve for the whole to serve.

    A chain has ranks: of each rank any member is enough, rank 0 is what serves, the ranks above stand in for it.
    """

    ALL = "all"
    ANY = "any"
    AT_LEAST = "at_least"
    CHAIN = "chain"


class Value(IntEnum):
    """How well something serves. A refused key does not serve: whose key it is matters to whom it is told."""

    DOWN = 0
    DEGRADED = 1
    UP = 2


@dataclass(frozen=True, slots=True)
class StatusBounds:
    """The worst and the best that something can be; both the same when it is known."""

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
    """One member as the rule sees it."""

    bounds: StatusBounds
    rank: int = 0


def evaluate(rule: CompositeRule, k: int, parts: Sequence[Part]) -> StatusBounds:
    """What the whole is, if every unknown member were down, and if every one were up.

    Every rule only rises with its members, so these two are the exact limits of what it can be. Nothing to go by, or
    fewer members than must serve, is unknown.
    """
    if not parts or (rule is CompositeRule.AT_LEAST and k > len(parts)):
        return UNKNOWN
    worst = _whole(rule, k, [(part.rank, part.bounds.worst) for part in parts])
    best = _whole(rule, k, [(part.rank, part.bounds.best) for part in parts])
    return StatusBounds(worst, best)


def settle(believed: Value | None, bounds: StatusBounds) -> Value | None:
    """What is believed next: what was, moved no further than the bounds force it; None while nothing is certain.

    So a member that cannot be seen neither opens nor closes an incident, and what is certain is never waited with.
    """
    if believed is not None:
        return min(max(believed, bounds.worst), bounds.best)
    return bounds.best if bounds.known or bounds.best is not Value.UP else None


def _whole(rule: CompositeRule, k: int, members: Sequence[tuple[int, Value]]) -> Value:
    if rule is CompositeRule.CHAIN:
        return _chain(members)
    values = sorted((value for _, value in members), reverse=True)
    needed = {CompositeRule.ALL: len(values), CompositeRule.ANY: 1}.get(rule, k)
    reached = values[needed - 1]
    # A spare that is merely degraded still stands by; one that is lost is worth knowing.
    return min(reached, Value.DEGRADED) if values[-1] is Value.DOWN else reached


def _chain(members: Sequence[tuple[int, Value]]) -> Value:
    first = min(rank for rank, _ in members)
    serving = max(value for rank, value in members if rank == first)
    if serving is not Value.DOWN:
        return serving
    standing_in = max((value for rank, value in members if rank != first), default=Value.DOWN)
    return min(standing_in, Value.DEGRADED)


def find_circle(below: Mapping[KeyT, Collection[KeyT]], start: KeyT) -> list[KeyT]:
    """A way down from `start` that leads back to it, both ends included; empty if there is none."""
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
    """The longest way down from `start`, in steps; there must be no circle."""
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

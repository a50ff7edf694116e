"""Fallback readiness of a chain: what would happen if the one that serves died now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Value(IntEnum):
    """Health of a member. A refused key counts as down; it only changes who is alerted."""

    DOWN = 0
    DEGRADED = 1
    UP = 2


class ReadinessReason(StrEnum):
    """What the death of the one that serves would mean."""

    #: A fallback is well and has headroom.
    READY = "ready"
    #: A fallback would serve, and is degraded itself.
    DEGRADED_FALLBACK = "degraded_fallback"
    #: A fallback would serve, and its key has no headroom for more.
    NO_HEADROOM = "no_headroom"
    #: Nothing would serve.
    NO_FALLBACK = "no_fallback"
    #: The primary has died, and a fallback serves now.
    ON_FALLBACK = "on_fallback"
    #: Nothing serves now.
    ALL_DOWN = "all_down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ChainTarget:
    """One member of a chain: its rank (0 serves), its health (None: unknown), and whether its key lacks headroom.

    What is left of its key (0 to 1), its usual latency (ms) and its error budget (0 to 1) are shown and decide nothing.
    """

    name: str
    rank: int
    health: Value | None
    short: bool = False
    left: float | None = None
    p50_ms: float | None = None
    budget_left: float | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """The reason, the target that serves now, and the next one; None where there is none."""

    reason: ReadinessReason
    serving: ChainTarget | None = None
    next: ChainTarget | None = None


def readiness(targets: Sequence[ChainTarget]) -> Readiness:
    """What would happen if the target that serves died now: the next one is the first that works, by rank.

    Of several members of one rank one is enough, and they die together: the question is about the whole group. One
    that is degraded or without headroom is passed over where a later one is well: its refusals send requests on.
    """
    if not targets:
        return Readiness(ReadinessReason.UNKNOWN)
    first = min(one.rank for one in targets)
    primary = [one for one in targets if one.rank == first]
    fallbacks = [one for one in targets if one.rank != first]
    serving = _best(primary)
    unknown = [one for one in targets if one.health is None]
    if serving is None and any(one.health is None for one in primary):
        return Readiness(ReadinessReason.UNKNOWN, None, _next(fallbacks))
    if serving is None:
        standing_in = _next(fallbacks)
        if standing_in is None:
            return Readiness(ReadinessReason.UNKNOWN if unknown else ReadinessReason.ALL_DOWN)
        later = [one for one in fallbacks if one.rank > standing_in.rank]
        return Readiness(ReadinessReason.ON_FALLBACK, standing_in, _next(later))
    following = _next(fallbacks)
    if following is None:
        return Readiness(ReadinessReason.UNKNOWN if unknown else ReadinessReason.NO_FALLBACK, serving)
    return Readiness(_reason(following), serving, following)


def in_words(found: Readiness, name: str) -> str:
    """What would happen, in one sentence that begins with the one that serves."""
    serving = found.serving.name if found.serving else name
    after = found.next.name if found.next else ""
    return {
        ReadinessReason.READY: f"If {serving} died now, {after} would serve.",
        ReadinessReason.DEGRADED_FALLBACK: f"If {serving} died now, {after} would serve, which is degraded.",
        ReadinessReason.NO_HEADROOM: f"If {serving} died now, {after} would serve, whose key has no headroom for it.",
        ReadinessReason.NO_FALLBACK: f"If {serving} died now, nothing would serve: no fallback works.",
        ReadinessReason.ON_FALLBACK: f"The primary is down and {serving} serves. If it died now, "
        + (f"{after} would serve." if after else "nothing would serve."),
        ReadinessReason.ALL_DOWN: "Nothing serves: the primary and every fallback are down.",
        ReadinessReason.UNKNOWN: f"What would happen if {serving} died now is not known.",
    }[found.reason]


def _best(targets: Sequence[ChainTarget]) -> ChainTarget | None:
    """The healthiest one that works, and of equals the one with headroom; None where none is known to work."""
    working = [one for one in targets if one.health]
    return max(working, key=lambda one: (not one.short, one.health or 0), default=None)


def _next(targets: Sequence[ChainTarget]) -> ChainTarget | None:
    """The first rank that is well and has headroom, else that has headroom, else that works; by its best member."""
    ranks = sorted({one.rank for one in targets})
    best = (_best([one for one in targets if one.rank == rank]) for rank in ranks)
    working = [one for one in best if one is not None]
    return max(working, key=lambda one: (not one.short, one.health or 0, -one.rank), default=None)


def value_of(found: Readiness) -> Value:
    """The health of the whole chain: a warning is DEGRADED; a primary that is degraded itself stays so."""
    if found.reason in (ReadinessReason.ALL_DOWN, ReadinessReason.UNKNOWN):
        return Value.DOWN
    serving = found.serving.health if found.serving else None
    now = Value.DEGRADED if serving is None else serving
    return now if found.reason is ReadinessReason.READY else min(now, Value.DEGRADED)


def _reason(following: ChainTarget) -> ReadinessReason:
    if following.short:
        return ReadinessReason.NO_HEADROOM
    return ReadinessReason.DEGRADED_FALLBACK if following.health is Value.DEGRADED else ReadinessReason.READY

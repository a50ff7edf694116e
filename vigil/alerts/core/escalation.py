"""Where an escalation stands, and what it does next. Pure.

A policy is a ladder of rungs, each a delay after the one before it (the first: after the incident is told); after the
last rung it begins again as often as the policy repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EscalationPosition:
    """The rung that is due next, from 0, and in which round, from 0."""

    rung: int = 0
    round: int = 0


def after(place: EscalationPosition, rungs: int, repeats: int) -> EscalationPosition | None:
    """The place that follows; None at the end of the last round."""
    if place.rung + 1 < rungs:
        return EscalationPosition(place.rung + 1, place.round)
    if place.round < repeats and rungs:
        return EscalationPosition(0, place.round + 1)
    return None


def delay_s(place: EscalationPosition, delays_s: Sequence[int], pause_s: int = 60) -> int:
    """How long to wait before a rung; a new round waits at least a minute, so that no ladder runs by itself."""
    wait_s = delays_s[place.rung]
    return max(wait_s, pause_s) if place.rung == 0 and place.round else wait_s


def immediate(delays_s: Sequence[int]) -> tuple[int, ...]:
    """The rungs that are due with the incident itself: the first ones that wait for nothing."""
    count = next((index for index, wait_s in enumerate(delays_s) if wait_s), len(delays_s))
    return tuple(range(count))

"""Escalation: the state machine of a policy. Pure.

A policy is a list of rungs. Each has a delay after the one before it; the first counts from the alert. After the last
rung the policy repeats as often as configured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vigil.alerts.core.decision import Concern, Why
from vigil.alerts.core.routes import Routing


@dataclass(frozen=True, slots=True)
class EscalationPosition:
    """The rung that is due next, and its round; both count from 0."""

    rung: int = 0
    round: int = 0


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """An escalation policy about to start; `reached` are the channels that its immediate rungs call now."""

    name: str = ""
    delays_s: tuple[int, ...] = ()
    repeats: int = 0
    reached: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class PursuitFacts:
    """Escalation state of an incident: the policies that have started, and whether it is acknowledged."""

    acknowledged: bool = False
    remind_s: int = 0
    begun: frozenset[int] = frozenset()

    def beginning(self, policies: Sequence[int]) -> list[int]:
        """Policies to start of those that routes name: all if the incident was acknowledged, else the new ones."""
        if self.acknowledged:
            return sorted({*policies, *self.begun})
        return sorted(set(policies) - self.begun)


NOT_PURSUED = PursuitFacts()


@dataclass(frozen=True, slots=True)
class EscalationStart:
    """First position of a policy, when it is due, and the channels to call at once."""

    policy: int
    position: EscalationPosition
    due_at: datetime | None
    concern: Concern
    reached: frozenset[int]


@dataclass(frozen=True, slots=True)
class PursuitChange:
    """A reset to unacknowledged; where `wanted`, reminders and policies start."""

    wanted: bool = False
    remind_s: int = 0
    remind_at: datetime | None = None
    starts: tuple[EscalationStart, ...] = ()

    @property
    def called(self) -> dict[int, Concern]:
        """The channels to call at once."""
        return {channel: start.concern for start in self.starts for channel in start.reached}


def pursue(facts: PursuitFacts, routing: Routing, policies: Mapping[int, PolicyFacts], at: datetime) -> PursuitChange:
    """Start or restart escalation of an incident that opened or got worse; a worse kind voids the acknowledgement."""
    if not (routing.policies or routing.remind_s):
        return PursuitChange()
    beginning = {key: policies[key] for key in facts.beginning(routing.policies)}
    return start(routing.remind_s or facts.remind_s, beginning, at)


def start(remind_s: int, policies: Mapping[int, PolicyFacts], at: datetime) -> PursuitChange:
    """Start reminders (0 for none) and these policies, from their first rungs."""
    remind_at = at + timedelta(seconds=remind_s) if remind_s else None
    return PursuitChange(True, remind_s, remind_at, tuple(_begin(key, policies[key], at) for key in sorted(policies)))


def _begin(key: int, policy: PolicyFacts, at: datetime) -> EscalationStart:
    rungs, now = len(policy.delays_s), len(immediate(policy.delays_s))
    first = EscalationPosition() if rungs else None
    place = after(EscalationPosition(now - 1), rungs, policy.repeats) if now else first
    due_at = at + timedelta(seconds=delay_s(place, policy.delays_s)) if place else None
    if place and now and not policy.reached:
        # No immediate rung reaches a channel, so the next one is due now.
        due_at = at
    concern = Concern(Why.ON_CALL, policy.name)
    return EscalationStart(key, place or EscalationPosition(), due_at, concern, policy.reached)


def after(place: EscalationPosition, rungs: int, repeats: int) -> EscalationPosition | None:
    """The next position; None after the last round."""
    if place.rung + 1 < rungs:
        return EscalationPosition(place.rung + 1, place.round)
    if place.round < repeats and rungs:
        return EscalationPosition(0, place.round + 1)
    return None


def delay_s(place: EscalationPosition, delays_s: Sequence[int], pause_s: int = 60) -> int:
    """Delay before a rung; a new round waits at least a minute, so a policy without delays cannot loop."""
    wait_s = delays_s[place.rung]
    return max(wait_s, pause_s) if place.rung == 0 and place.round else wait_s


def immediate(delays_s: Sequence[int]) -> tuple[int, ...]:
    """The rungs due with the incident itself: the first ones without a delay."""
    count = next((index for index, wait_s in enumerate(delays_s) if wait_s), len(delays_s))
    return tuple(range(count))

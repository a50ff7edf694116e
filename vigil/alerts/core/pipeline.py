"""Notification pipeline, the pure stages: route, hold, decide. Each takes the value that the stage before it returned.

`read` in `vigil.alerts.outbox` returns the first of these values, and `write` there takes the last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from vigil.alerts.core import decision
from vigil.alerts.core.decision import UNCONDITIONAL, Choice, Concern, Hold, IncidentContext
from vigil.alerts.core.escalation import NOT_PURSUED, PolicyFacts, PursuitChange, PursuitFacts, pursue
from vigil.alerts.core.routes import RoutedSubject, RouteRule, Routing, route_all
from vigil.incidents.core.model import Step

#: Steps of which routes say whom they concern; of the others the caller does, or it is whoever was told.
ROUTED_STEPS = frozenset({Step.OPENED, Step.CHANGED, Step.NOTE})


@dataclass(frozen=True, slots=True)
class StepKeys:
    """The rows that the deliveries of a step belong to, and when it was taken."""

    transition: int
    incident: int
    team: int
    at: datetime


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What the stages know of a step.

    `named` are the channels that the caller names in place of routes; `origin` is the channel in which it was done,
    which need not be told. Routes are asked about `subjects`: the incident's monitor, or the members of a provider's
    incident (`joint`). `told` are the channels that know of the incident, `holds` is all that holds its alerts back.
    """

    keys: StepKeys
    step: Step
    named: Mapping[int, Concern] | None = None
    origin: int | None = None
    joint: bool = False
    subjects: tuple[RoutedSubject, ...] = ()
    rules: Sequence[RouteRule] = ()
    everyone: frozenset[int] = frozenset()
    pursuit: PursuitFacts = NOT_PURSUED
    policies: Mapping[int, PolicyFacts] = field(default_factory=dict)
    told: frozenset[int] = frozenset()
    holds: tuple[Hold, ...] = ()

    @property
    def routing(self) -> Routing:
        """What the routes say; `read` asks as well, to read only the policies that they name."""
        return route_all(self.rules, self.subjects, self.keys.at, self.everyone)


@dataclass(frozen=True, slots=True)
class RoutedStep:
    """A step, and the channels that it concerns; `newcomers` hear of the incident's beginning by it."""

    facts: StepFacts
    concerned: Mapping[int, Concern] = field(default_factory=dict)
    newcomers: Mapping[int, Concern] = field(default_factory=dict)
    pursuit: PursuitChange | None = None


@dataclass(frozen=True, slots=True)
class HeldStep:
    """A routed step, and where its incident stands: who was told, and what holds this step back."""

    routed: RoutedStep
    context: IncidentContext


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """What is to be written: a choice for each channel, and what becomes of the incident's escalations."""

    keys: StepKeys
    step: Step
    choices: tuple[Choice, ...]
    newcomers: tuple[Choice, ...] = ()
    pursuit: PursuitChange | None = None


def route(facts: StepFacts) -> RoutedStep:
    """Route: pick the channels that routes and the first steps of their escalation policies name."""
    if facts.named is not None:
        return RoutedStep(facts, facts.named)
    if facts.step not in ROUTED_STEPS:
        return RoutedStep(facts)
    routing = facts.routing
    noted = {channel: concern for channel, concern in routing.concerned.items() if channel in routing.noted}
    if facts.step is Step.NOTE and not facts.joint:
        return RoutedStep(facts, noted)
    pursuit = pursue(facts.pursuit, routing, facts.policies, facts.keys.at)
    concerned = {**pursuit.called, **routing.concerned}
    if facts.step is not Step.NOTE:
        # What has just opened has no pursuit yet that could be reset.
        changed = pursuit.wanted or facts.step is not Step.OPENED
        return RoutedStep(facts, concerned, pursuit=pursuit if changed else None)
    # A monitor has joined its provider's incident: who is concerned by it, and was not told, hears the beginning.
    newcomers = {channel: concern for channel, concern in concerned.items() if channel not in facts.told}
    return RoutedStep(facts, noted, newcomers, pursuit)


def hold(routed: RoutedStep) -> HeldStep:
    """Silence and inhibit: find what holds the step back. Nothing holds back the end, or who took it on."""
    facts = routed.facts
    holds = () if facts.step in UNCONDITIONAL else facts.holds
    return HeldStep(routed, IncidentContext(facts.told, facts.pursuit.acknowledged, holds))


def decide(held: HeldStep) -> DeliveryPlan:
    """Decide what becomes of each channel's message: tell it, hold it, or omit it, and why."""
    routed, facts = held.routed, held.routed.facts
    choices = decision.decide(facts.step, routed.concerned, held.context)
    newcomers = decision.decide(Step.OPENED, routed.newcomers, replace(held.context, told=frozenset()))
    told = tuple(choice for choice in choices if choice.channel != facts.origin)
    return DeliveryPlan(facts.keys, facts.step, told, newcomers, routed.pursuit)

"""Notification pipeline, pure stages (route, hold, decide) between `read` and `write` of the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from vigil.alerts.core import decision
from vigil.alerts.core.decision import UNCONDITIONAL, Choice, Concern, Hold, IncidentContext
from vigil.alerts.core.escalation import NOT_PURSUED, PolicyFacts, PursuitChange, PursuitFacts, pursue
from vigil.alerts.core.routes import RoutedSubject, RouteRule, Routing, route_all
from vigil.incidents.core.model import Step

#: Steps routed by rules; other steps go to channels that the caller names, or to those notified before.
ROUTED_STEPS = frozenset({Step.OPENED, Step.CHANGED, Step.NOTE})


@dataclass(frozen=True, slots=True)
class StepKeys:
    """Primary keys of a step: its transition, incident and team; and its time."""

    transition: int
    incident: int
    team: int
    at: datetime


@dataclass(frozen=True, slots=True)
class StepFacts:
    """Facts of a step, input of the stages.

    `named` channels replace routes; `origin` is the channel where a person acted, which is not notified. Routes match
    `subjects`: the incident's monitor, or the members of a provider's incident (`joint`). `told` channels have the
    trigger; `holds` are all holds of its alerts.
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
        """Result of the routes; `read` asks as well, to read only the policies that they name."""
        return route_all(self.rules, self.subjects, self.keys.at, self.everyone)


@dataclass(frozen=True, slots=True)
class RoutedStep:
    """A step and the channels it concerns; `newcomers` get the trigger with it."""

    facts: StepFacts
    concerned: Mapping[int, Concern] = field(default_factory=dict)
    newcomers: Mapping[int, Concern] = field(default_factory=dict)
    pursuit: PursuitChange | None = None


@dataclass(frozen=True, slots=True)
class HeldStep:
    """A routed step with the incident's context: notified channels, and holds."""

    routed: RoutedStep
    context: IncidentContext


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """Writes to do: a choice for each channel, and the change of escalations."""

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
        # An incident that has just opened has no escalation to reset.
        changed = pursuit.wanted or facts.step is not Step.OPENED
        return RoutedStep(facts, concerned, pursuit=pursuit if changed else None)
    # A monitor joined its provider's incident: channels concerned by it that have no trigger get one.
    newcomers = {channel: concern for channel, concern in concerned.items() if channel not in facts.told}
    return RoutedStep(facts, noted, newcomers, pursuit)


def hold(routed: RoutedStep) -> HeldStep:
    """Silence and inhibit: find the holds of this step. Resolves and acknowledgements are never held."""
    facts = routed.facts
    holds = () if facts.step in UNCONDITIONAL else facts.holds
    return HeldStep(routed, IncidentContext(facts.told, facts.pursuit.acknowledged, holds))


def decide(held: HeldStep) -> DeliveryPlan:
    """Decide the outcome for each channel: send, hold or omit, and why."""
    routed, facts = held.routed, held.routed.facts
    choices = decision.decide(facts.step, routed.concerned, held.context)
    newcomers = decision.decide(Step.OPENED, routed.newcomers, replace(held.context, told=frozenset()))
    told = tuple(choice for choice in choices if choice.channel != facts.origin)
    return DeliveryPlan(facts.keys, facts.step, told, newcomers, routed.pursuit)

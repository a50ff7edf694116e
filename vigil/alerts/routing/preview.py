"""Routing preview: who would be alerted for any monitor, kind and time, and why; read only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from vigil.accounts.models import Team
from vigil.alerts.core.decision import Choice
from vigil.alerts.core.escalation import EscalationPosition, after, delay_s, immediate
from vigil.alerts.core.pipeline import StepFacts, StepKeys, decide, hold, route
from vigil.alerts.core.routes import Considered, Severity
from vigil.alerts.models import Channel, EscalationStep, Person
from vigil.alerts.routing.escalations import Targets, policy_facts, targets_of
from vigil.alerts.routing.holds import holds_on
from vigil.alerts.routing.roster import Roster
from vigil.alerts.routing.rules import rules_in, subject
from vigil.incidents.core.model import IncidentKind, Step
from vigil.incidents.models import Incident
from vigil.monitors.models import Monitor

#: Over all policies; the rest is left out.
MAX_CALLS = 40


@dataclass(frozen=True, slots=True)
class PreviewedChannel:
    """A channel that the opening concerns, and the outcome for its message."""

    channel: Channel
    choice: Choice


@dataclass(frozen=True, slots=True)
class PreviewedStep:
    """A step of a policy: its time if no one acknowledges, and its targets."""

    policy: str
    after: timedelta
    targets: Targets


@dataclass(frozen=True, slots=True)
class Preview:
    """The preview; `considered` explains the match of every route."""

    kind: IncidentKind
    severity: Severity
    at: datetime
    considered: tuple[Considered, ...]
    told: tuple[PreviewedChannel, ...]
    called: tuple[PreviewedStep, ...]
    remind_s: int

    @property
    def nobody(self) -> bool:
        """Whether no channel would ever be alerted."""
        return not self.told and not any(call.targets.channels for call in self.called)


def who_would_be_told(
    team: Team, monitor: Monitor | None, kind: IncidentKind, at: datetime, roster: Roster | None = None
) -> Preview:
    """Preview an incident of this kind at this moment; writes nothing. `roster` is the team's, where it is read."""
    roster = roster or Roster.read(team.pk)
    rules, everyone = rules_in(roster)
    incident = Incident(team=team, monitor=monitor, kind=kind, started_at=at, opened_at=at)
    facts = StepFacts(
        StepKeys(0, 0, team.pk, at),
        Step.OPENED,
        subjects=(subject(kind, monitor),),
        rules=rules,
        everyone=everyone,
        holds=holds_on(incident, at),
    )
    routing = facts.routing
    steps = {policy: roster.steps.get(policy, ()) for policy in routing.policies}
    policies = {policy: policy_facts(each, at, roster.people) for policy, each in steps.items()}
    choices = decide(hold(route(replace(facts, policies=policies)))).choices
    told = tuple(PreviewedChannel(roster.channels[choice.channel], choice) for choice in choices)
    severity, called = facts.subjects[0].severity, _called(steps.values(), at, roster.people)
    return Preview(kind, severity, at, routing.considered, told, called, routing.remind_s)


def _called(
    policies: Iterable[Sequence[EscalationStep]], at: datetime, people: Mapping[int, Person]
) -> tuple[PreviewedStep, ...]:
    calls: list[PreviewedStep] = []
    for steps in policies:
        calls += _climb(steps, at, people)
    return tuple(sorted(calls, key=lambda call: call.after)[:MAX_CALLS])


def _climb(steps: Sequence[EscalationStep], at: datetime, people: Mapping[int, Person]) -> Sequence[PreviewedStep]:
    delays = [step.delay_s for step in steps]
    at_once = immediate(delays)
    calls: list[PreviewedStep] = []
    waited_s, place = 0, EscalationPosition() if steps else None
    while place is not None and len(calls) < MAX_CALLS:
        first = place.round == 0 and place.rung in at_once
        waited_s += 0 if first else delay_s(place, delays)
        when = timedelta(seconds=waited_s)
        calls.append(PreviewedStep(steps[0].policy.name, when, targets_of(steps[place.rung], at + when, people)))
        place = after(place, len(steps), steps[0].policy.repeats)
    return calls


def preview_row(preview: Preview) -> dict[str, Any]:
    """A preview as plain values."""
    return {
        "at": preview.at,
        "kind": preview.kind.value,
        "severity": preview.severity.value,
        "nobody": preview.nobody,
        "told": [
            {
                "channel": told.channel.public_id,
                "name": told.channel.name,
                "kind": told.channel.kind,
                "outcome": told.choice.outcome.value,
                "why": told.choice.concern.why.value,
                "because": told.choice.concern.because,
                "withheld": told.choice.hold.reason.value if told.choice.hold else "",
                "held_by": told.choice.hold.by if told.choice.hold else "",
                "held_until": told.choice.hold.until if told.choice.hold else None,
            }
            for told in preview.told
        ],
        "routes": [
            {"route": each.rule.name, "matches": each.miss is None, "missed_by": each.miss and each.miss.value}
            for each in preview.considered
        ],
        "escalation": [
            {
                "policy": call.policy,
                "after_s": round(call.after.total_seconds()),
                "who": list(call.targets.words),
                "nowhere": list(call.targets.nowhere),
            }
            for call in preview.called
        ],
        "remind_s": preview.remind_s,
    }

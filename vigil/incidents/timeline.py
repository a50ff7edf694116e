"""Adds the next step to an incident, whoever takes it: a verdict, the clock, or a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models.functions import Now

from vigil.incidents.core.model import Step, StepReason
from vigil.incidents.models import Incident, Transition

#: Writes the deliveries of a step; called in the transaction that writes the step. Passed in, since `incidents` lies
#: below `alerts`: production passes `vigil.alerts.outbox.enqueue`.
EnqueueDeliveries = Callable[[Transition], object]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """What a step says: `actor` is who did it, where a person did."""

    step: Step
    reason: StepReason
    text: str = ""
    actor: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


def add_step(incident: Incident, line: TimelineEntry, enqueue: EnqueueDeliveries) -> Transition:
    """Write the next step and its deliveries; a resolved incident is over. Call inside a transaction.

    The incident's row is locked first, and its number of steps read then: people and the clock take steps beside the
    verdicts, and every step has its own number.
    """
    changed = ["steps"]
    if line.step is Step.RESOLVED:
        incident.resolved_at = incident.resolved_at or Now()
        changed.append("resolved_at")
    locked = Incident.objects.select_for_update(of=("self",)).filter(pk=incident.pk)
    incident.steps = locked.values_list("steps", flat=True).get() + 1
    incident.save(update_fields=changed)
    step = Transition(
        incident=incident,
        seq=incident.steps,
        step=line.step,
        reason=line.reason,
        at=Now(),
        text=line.text,
        actor=line.actor,
        evidence=dict(line.evidence),
    )
    step.save()
    step.refresh_from_db(fields=["at"])
    enqueue(step)
    return step

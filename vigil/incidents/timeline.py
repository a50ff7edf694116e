"""Incident timeline: adds the next step, by a verdict, the clock or a person; and reads those with a verdict again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models.functions import Now

from consensus.review.evidence import from_evidence, is_verdict
from consensus.review.replay import replay
from vigil.incidents.core.model import Step, StepReason
from vigil.incidents.core.replayed_steps import ReplayedStep
from vigil.incidents.models import Incident, Transition
from vigil.monitors.live.version import touch

#: Writes the deliveries of a step in its transaction. Injected, since `incidents` lies below `alerts`: production
#: passes `vigil.alerts.outbox.enqueue`.
EnqueueDeliveries = Callable[[Transition], object]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Content of a step: `actor` is the person who did it, if any."""

    step: Step
    reason: StepReason
    text: str = ""
    actor: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


def add_step(incident: Incident, line: TimelineEntry, enqueue: EnqueueDeliveries) -> Transition:
    """Write the next step and its deliveries; nothing on a resolved incident. Call inside a transaction.

    The row is locked first, since people, timers and verdicts add steps concurrently: each has its own number.
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
    touch(incident.team_id)
    return step


def replayed_steps(incident: Incident, seq: int | None = None, most: int | None = None) -> list[ReplayedStep]:
    """The steps with stored votes, or one of them, in order; the last `most` of them."""
    rows = incident.transitions.filter(evidence__has_keys=["round", "votes"]).order_by("-seq")
    if seq is not None:
        rows = rows.filter(seq=seq)
    found = []
    for row in reversed(list(rows[:most])):
        if is_verdict(row.evidence):
            verdict = from_evidence(row.evidence)
            found.append(ReplayedStep(row.seq, row.step, row.reason, row.at, verdict, replay(verdict)))
    return found

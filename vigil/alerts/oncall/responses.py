"""Incident responses (acknowledge, snooze, unacknowledge, note): idempotent, under the incident's lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction

from vigil.alerts.models import Escalation, Pursuit
from vigil.alerts.oncall.timers import told_before
from vigil.alerts.outbox import enqueue
from vigil.alerts.routing import escalations
from vigil.alerts.wording.text import clock
from vigil.clock import database_now
from vigil.incidents.core.model import Step, StepReason
from vigil.incidents.models import Incident, Transition
from vigil.incidents.timeline import TimelineEntry, add_step

NOTE_LIMIT = 2_000
#: Accepted skew of another system's clock.
CLOCK_TOLERANCE = timedelta(seconds=60)
MIN_SNOOZE, MAX_SNOOZE = timedelta(minutes=1), timedelta(days=7)


class ResponseKind(StrEnum):
    """Result of a response."""

    DONE = "done"
    ALREADY = "already"
    OVER = "over"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who responds, by what means, and the channel where it was done, which is not notified."""

    name: str
    via: str
    origin: int | None = None

    def __str__(self) -> str:
        return f"{self.name[:90]} ({self.via})"


def acknowledge(incident: int, actor: Actor) -> ResponseKind:
    """Acknowledge: stop calls and reminders until the incident gets worse."""

    def write(found: Incident, now: datetime) -> ResponseKind:
        resting = Pursuit.objects.filter(pk=found.pk, acknowledged_at__isnull=False, snoozed_until=None)
        if resting.exists():
            return ResponseKind.ALREADY
        escalations.rest(found, str(actor), now)
        _write(
            found,
            TimelineEntry(Step.ACKNOWLEDGED, StepReason.BY_PERSON, f"Acknowledged by {actor}.", str(actor)),
            actor,
        )
        return ResponseKind.DONE

    return _on(incident, write)


def snooze(incident: int, actor: Actor, until: datetime) -> ResponseKind:
    """Acknowledge until a time, at most a week ahead; alert again then if the incident is still open."""

    def write(found: Incident, now: datetime) -> ResponseKind:
        if not MIN_SNOOZE <= until - now <= MAX_SNOOZE + timedelta(minutes=1):
            return ResponseKind.REFUSED
        if Pursuit.objects.filter(pk=found.pk, snoozed_until=until).exists():
            return ResponseKind.ALREADY
        escalations.rest(found, str(actor), now, until)
        text = f"Snoozed by {actor} until {clock(until)}."
        _write(found, TimelineEntry(Step.SNOOZED, StepReason.BY_PERSON, text, str(actor)), actor)
        return ResponseKind.DONE

    return _on(incident, write)


def take_back(incident: int, actor: Actor) -> ResponseKind:
    """Revoke the acknowledgement: alert again and restart escalation."""

    def write(found: Incident, now: datetime) -> ResponseKind:
        if not escalations.is_acknowledged(found):
            return ResponseKind.ALREADY
        concerned = {**told_before(found), **escalations.wake(found, now)}
        text = f"{actor} removed the acknowledgement."
        line = TimelineEntry(Step.REMINDED, StepReason.TAKEN_BACK, text, str(actor))
        add_step(found, line, lambda step: enqueue(step, concerned, actor.origin))
        return ResponseKind.DONE

    return _on(incident, write)


def note(incident: int, actor: Actor, text: str) -> ResponseKind:
    """Add a note to the timeline, also of a resolved incident; sent where routes ask for notes."""
    text = text.strip()
    if not text or len(text) > NOTE_LIMIT:
        return ResponseKind.REFUSED

    def write(found: Incident, now: datetime) -> ResponseKind:
        line = TimelineEntry(Step.NOTE, StepReason.BY_PERSON, text, str(actor))
        tell = (lambda step: None) if found.resolved_at else (lambda step: enqueue(step, origin=actor.origin))
        add_step(found, line, tell)
        return ResponseKind.DONE

    return _on(incident, write, also_over=True)


def escalate(incident: int, actor: Actor) -> ResponseKind:
    """Call the next step of each policy now, and not after its delay; already where no step is left to call."""

    def write(found: Incident, now: datetime) -> ResponseKind:
        waiting = Escalation.objects.filter(incident=found, due_at__gt=now)
        # The timers call whom is due, once a second.
        if not waiting.update(due_at=now):
            return ResponseKind.ALREADY
        text = f"{actor} asked to call the next people now."
        line = TimelineEntry(Step.NOTE, StepReason.BY_PERSON, text, str(actor))
        add_step(found, line, lambda step: None)
        return ResponseKind.DONE

    return _on(incident, write)


def acted_since(incident: int, at: datetime) -> bool:
    """Whether a person acted well after a time of another clock: then a late or repeated callback is ignored."""
    done = (Step.ACKNOWLEDGED, Step.SNOOZED, Step.REMINDED)
    return Transition.objects.filter(incident_id=incident, step__in=done, at__gt=at + CLOCK_TOLERANCE).exists()


def _on(incident: int, write: Callable[[Incident, datetime], ResponseKind], *, also_over: bool = False) -> ResponseKind:
    with transaction.atomic():
        found = Incident.objects.select_for_update(of=("self",)).select_related("monitor").get(pk=incident)
        if found.resolved_at is not None and not also_over:
            return ResponseKind.OVER
        return write(found, database_now())


def _write(incident: Incident, line: TimelineEntry, actor: Actor) -> None:
    add_step(incident, line, lambda step: enqueue(step, origin=actor.origin))

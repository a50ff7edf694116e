"""What people do to an incident: acknowledge it, snooze it, take that back, write a note. From wherever they do it.

Each is one transaction under the incident's lock, with its step and what is told of it; doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction

from vigil.alerts.models import Pursuit
from vigil.alerts.oncall.timers import told_before
from vigil.alerts.outbox import enqueue
from vigil.alerts.routing import escalations
from vigil.alerts.wording.text import clock
from vigil.clock import database_now
from vigil.incidents.core.model import Step, StepReason
from vigil.incidents.models import Incident, Transition
from vigil.incidents.timeline import TimelineEntry, add_step

NOTE_LIMIT = 2_000
#: How far another's clock may be from ours.
CLOCK_TOLERANCE = timedelta(seconds=60)
MIN_SNOOZE, MAX_SNOOZE = timedelta(minutes=1), timedelta(days=7)


class ResponseKind(StrEnum):
    """What came of it."""

    DONE = "done"
    ALREADY = "already"
    OVER = "over"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, by what means, and in which channel if in one that need not be told."""

    name: str
    via: str
    origin: int | None = None

    def __str__(self) -> str:
        return f"{self.name[:90]} ({self.via})"


def acknowledge(incident: int, actor: Actor) -> ResponseKind:
    """Say that somebody has taken it on: nobody is called or reminded any more until it gets worse."""

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
    """Acknowledge until a moment at which it is told again if it is not over; that is at most a week ahead."""

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
    """Nobody has taken it on after all: it is told again, and the pursuit begins again."""

    def write(found: Incident, now: datetime) -> ResponseKind:
        if not escalations.is_acknowledged(found):
            return ResponseKind.ALREADY
        concerned = {**told_before(found), **escalations.wake(found, now)}
        text = f"{actor} has taken the acknowledgement back."
        line = TimelineEntry(Step.REMINDED, StepReason.TAKEN_BACK, text, str(actor))
        add_step(found, line, lambda step: enqueue(step, concerned, actor.origin))
        return ResponseKind.DONE

    return _on(incident, write)


def note(incident: int, actor: Actor, text: str) -> ResponseKind:
    """Write a note on the timeline, also of an incident that is over; told where routes want notes."""
    text = text.strip()
    if not text or len(text) > NOTE_LIMIT:
        return ResponseKind.REFUSED

    def write(found: Incident, now: datetime) -> ResponseKind:
        line = TimelineEntry(Step.NOTE, StepReason.BY_PERSON, text, str(actor))
        tell = (lambda step: None) if found.resolved_at else (lambda step: enqueue(step, origin=actor.origin))
        add_step(found, line, tell)
        return ResponseKind.DONE

    return _on(incident, write, also_over=True)


def acted_since(incident: int, at: datetime) -> bool:
    """Whether something was done well after a moment of another's clock: what comes late, or again, is news no more."""
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

"""Alert timers by the database's clock: holds, snoozes, escalation steps, reminders.

Each is one transaction under its incident's lock that also advances its own time, so two processes or a crash never act
twice. A locked incident is left for the next second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Max, Min
from django.db.models.functions import Now

from probes.process.isolation import Each, plainly
from vigil.alerts.core.decision import Concern, Why, Withheld, strongest
from vigil.alerts.core.escalation import EscalationPosition, after, delay_s
from vigil.alerts.models import Delivery, DeliveryState, Escalation, Pursuit
from vigil.alerts.outbox import enqueue, told_channels
from vigil.alerts.routing import escalations as escalation_rows
from vigil.alerts.routing.escalations import Targets, steps_of, targets_of
from vigil.alerts.routing.holds import hold_fields, holds_on
from vigil.alerts.wording.text import duration
from vigil.clock import database_now
from vigil.incidents.core.model import Step, StepReason
from vigil.incidents.models import Incident
from vigil.incidents.timeline import TimelineEntry, add_step

#: Per kind and pass, so that one kind cannot starve the others.
LIMIT = 500
BUDGET_S = 1.0
#: Escalation pauses while a hold lasts, and checks again after this.
HELD_PAUSE = timedelta(seconds=30)

Work = Callable[[Incident, datetime], int]


def run_due(each: Each = plainly) -> int:
    """Run everything that is due; returns the number of changed incidents."""
    held = Delivery.objects.filter(state=DeliveryState.HELD, recheck_at__lte=Now())
    to_release = held.values("incident_id").annotate(first=Min("recheck_at")).order_by("first")
    asleep = Pursuit.objects.filter(snoozed_until__lte=Now()).order_by("snoozed_until")
    escalations = Escalation.objects.filter(due_at__lte=Now()).order_by("due_at")
    to_remind = Pursuit.objects.filter(remind_at__lte=Now()).order_by("remind_at")
    moved = 0
    for step, keys, work in (
        ("release", to_release.values_list("incident_id", flat=True), _release),
        ("wake", asleep.values_list("pk", flat=True), _wake),
        ("escalate", escalations.values_list("incident_id", flat=True), _escalate),
        ("remind", to_remind.values_list("pk", flat=True), _remind),
    ):
        moved += sum(each(step, _in_time(dict.fromkeys(keys[:LIMIT])), partial(_locked, work=work), 0))
    return moved


def _in_time(keys: Iterable[int]) -> Iterator[int]:
    """The keys, until the time of one kind is used up."""
    until_s = time.monotonic() + BUDGET_S
    for key in keys:
        yield key
        if time.monotonic() > until_s:
            return


def _locked(key: int, work: Work) -> int:
    with transaction.atomic():
        free = Incident.objects.select_for_update(of=("self",), skip_locked=True).select_related("monitor")
        incident = free.filter(pk=key).first()
        return work(incident, database_now()) if incident is not None else 0


def _release(incident: Incident, now: datetime) -> int:
    """Send messages whose hold has ended."""
    held = Delivery.objects.filter(incident=incident, state=DeliveryState.HELD)
    hold = strongest(holds_on(incident, now))
    if hold is not None:
        held.update(**hold_fields(hold, now))
        return 0
    # Of several messages for one channel only the newest is sent: it has the present state.
    newest = held.values("channel_id").annotate(last=Max("pk")).values("last")
    held.exclude(pk__in=list(newest.values_list("last", flat=True))).update(
        state=DeliveryState.WITHHELD, withheld=Withheld.SUPERSEDED, recheck_at=None
    )
    # Age, fallback time and escalation delays count from the release.
    released = held.update(state=DeliveryState.PENDING, created_at=Now(), due_at=Now(), recheck_at=None)
    if released:
        escalation_rows.start_again_from(incident, now)
    return min(released, 1)


def _wake(incident: Incident, now: datetime) -> int:
    """End a snooze of an open incident: alert again and restart escalation."""
    due = Pursuit.objects.filter(pk=incident.pk, snoozed_until__lte=now).first()
    if due is None:
        return 0
    if incident.resolved_at is not None:
        escalation_rows.end(incident.pk)
        return 0
    text = f"The snooze by {due.acknowledged_by or 'a person'} is over, and the incident is still open."
    concerned = {**told_before(incident), **escalation_rows.wake(incident, now)}
    _write(incident, TimelineEntry(Step.REMINDED, StepReason.SNOOZE_OVER, text), concerned)
    return 1


def _escalate(incident: Incident, now: datetime) -> int:
    """Call the targets of due steps, and advance each policy."""
    due = list(Escalation.objects.filter(incident=incident, due_at__lte=now).order_by("policy_id"))
    if incident.resolved_at is not None:
        escalation_rows.end(incident.pk)
        return 0
    if due and _is_held(incident, now):
        Escalation.objects.filter(pk__in=[one.pk for one in due]).update(due_at=now + HELD_PAUSE)
        return 0
    for escalation in due:
        steps = steps_of(escalation.policy_id)
        place = EscalationPosition(escalation.rung, escalation.round)
        if place.rung >= len(steps):
            # The policy was shortened meanwhile.
            _move(escalation, None, None)
            continue
        targets = targets_of(steps[place.rung], now)
        following = after(place, len(steps), steps[0].policy.repeats)
        _move(escalation, following, _due_at(following, [step.delay_s for step in steps], now, targets))
        name = steps[0].policy.name
        text = _escalation_text(incident, place, targets, f"Step {place.rung + 1} of {len(steps)} of {name}", now)
        concern = Concern(Why.ON_CALL, name)
        line = TimelineEntry(Step.ESCALATED, StepReason.NOT_ACKNOWLEDGED, text)
        _write(incident, line, dict.fromkeys(targets.channels, concern))
    return min(len(due), 1)


def _remind(incident: Incident, now: datetime) -> int:
    """Remind the notified channels: the incident is not acknowledged."""
    due = Pursuit.objects.filter(pk=incident.pk, remind_at__lte=now).first()
    if due is None:
        return 0
    if incident.resolved_at is not None:
        escalation_rows.end(incident.pk)
        return 0
    due.remind_at = now + timedelta(seconds=due.remind_s)
    due.save(update_fields=["remind_at"])
    if _is_held(incident, now):
        return 0
    text = f"Not acknowledged for {duration(now - incident.opened_at)}."
    _write(incident, TimelineEntry(Step.REMINDED, StepReason.NOT_ACKNOWLEDGED, text), told_before(incident))
    return 1


def told_before(incident: Incident) -> dict[int, Concern]:
    """Channels that have the incident's trigger."""
    return dict.fromkeys(told_channels(incident), Concern(Why.TOLD_BEFORE))


def _is_held(incident: Incident, now: datetime) -> bool:
    """Whether alerts are held, or a released alert has still to go first."""
    waiting = Delivery.objects.filter(incident=incident, state=DeliveryState.HELD)
    return bool(holds_on(incident, now)) or waiting.exists()


def _due_at(place: EscalationPosition | None, delays_s: list[int], now: datetime, targets: Targets) -> datetime | None:
    if place is None:
        return None
    # A step without a reachable target is skipped at once.
    skipped = not targets.channels and place.rung > 0
    return now if skipped else now + timedelta(seconds=delay_s(place, delays_s))


def _move(escalation: Escalation, place: EscalationPosition | None, due_at: datetime | None) -> None:
    if place is not None:
        escalation.rung, escalation.round = place.rung, place.round
    escalation.due_at = due_at
    escalation.save(update_fields=["rung", "round", "due_at"])


def _escalation_text(incident: Incident, place: EscalationPosition, targets: Targets, step: str, now: datetime) -> str:
    waited = duration(now - incident.opened_at)
    again = f", round {place.round + 1}" if place.round else ""
    called = ", ".join(targets.words) if targets.words else "no channel"
    nowhere = f" Not reached: {'; '.join(targets.nowhere)}." if targets.nowhere else ""
    return f"Not acknowledged for {waited}. {step}{again}: {called}.{nowhere}"


def _write(incident: Incident, line: TimelineEntry, concerned: Mapping[int, Concern]) -> None:
    add_step(incident, line, lambda step: enqueue(step, concerned))

"""Self-test: a synthetic incident through every channel that takes part; its deliveries are the proof.

It takes the path of every incident: opened by ingest, through the outbox, sent by deliver, resolved. Each step is a
transaction and the rows say which is next, so a crash loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Q
from django.db.models.functions import Now

from probes.process.isolation import Each, plainly
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.alerts.core.decision import Concern, Event, Why
from vigil.alerts.core.selftest import KEEP, LOOPBACK, LOOPBACK_EVERY, PATIENCE, Participant, due
from vigil.alerts.models import OPEN_STATES, Channel, Delivery, DeliveryState, SelfTest
from vigil.alerts.outbox import enqueue
from vigil.alerts.selftest.channel_incidents import sync_selftest_incidents
from vigil.clock import database_now
from vigil.incidents.core.model import IncidentKind, Step, StepReason
from vigil.incidents.models import Incident
from vigil.incidents.timeline import TimelineEntry, add_step

LOOPBACK_NAME = "Loopback (self-test)"
_BEGUN = "Nothing is wrong: this tests that alerts are delivered."
_OVER = "The self-test is over."


def run_self_tests(each: Each = plainly) -> int:
    """Close answered tests and start due ones; returns the number started."""
    now = database_now()
    running = list(SelfTest.objects.filter(ended_at=None).values_list("pk", flat=True))
    each("self_test_ends", running, lambda key: _go_on(key, now), None)
    _make_loopback()
    return sum(each("self_test_begins", _teams(), lambda team: _begin_due(team, now), 0))


def _begin_due(team: Team, now: datetime) -> int:
    able = set(Channel.objects.filter(team=team, enabled=True).values_list("pk", flat=True))
    wanted = [channel for channel in due(participants(team), now) if channel in able]
    return _begin(team, wanted) if wanted else 0


def begin_now(team: Team) -> bool:
    """Begin a self-test of every channel that takes part; False where there is none, or a test is running."""
    able = set(Channel.objects.filter(team=team, enabled=True).values_list("pk", flat=True))
    wanted = [one.channel for one in participants(team) if one.channel in able]
    return bool(wanted) and bool(_begin(team, wanted))


def participants(team: Team) -> list[Participant]:
    """Channels of a team that take part, with the result of their last test."""
    takes_part = Q(self_test_minutes__gt=0) | Q(kind=LOOPBACK)
    # A channel that was switched off for its refusals still counts as failing.
    switched = Q(enabled=True) | Q(disabled_at__isnull=False)
    return [_participant(row) for row in Channel.objects.filter(takes_part, switched, team=team).order_by("pk")]


def all_participants() -> list[Participant]:
    """Channels of all teams that take part."""
    return [one for team in _teams() for one in participants(team)]


def _teams() -> list[Team]:
    taking = Channel.objects.filter(self_test_minutes__gt=0).values("team")
    return list(Team.objects.filter(Q(pk__in=taking) | Q(pk=default_team().pk)).order_by("pk"))


def _participant(channel: Channel) -> Participant:
    tests = Delivery.objects.filter(
        channel=channel, incident__kind=IncidentKind.SELF_TEST, event__in=[Event.TRIGGER, Event.RESOLVE]
    )
    last = tests.filter(event=Event.TRIGGER).order_by("-pk").first()
    ended = tests.filter(incident__self_test__ended_at__isnull=False).order_by("-incident_id", "pk")
    latest = ended.first()
    proof = ended.filter(incident=latest.incident) if latest else ended.none()
    failed = next((one for one in proof if one.state != DeliveryState.SENT), None)
    loopback = channel.kind == LOOPBACK
    return Participant(
        channel=channel.pk,
        name=channel.name,
        every=LOOPBACK_EVERY if loopback else timedelta(minutes=channel.self_test_minutes),
        begun=last.created_at if last else None,
        accepted=tests.filter(state=DeliveryState.SENT).aggregate(at=Max("sent_at"))["at"],
        failed=_trouble(channel, failed),
        loopback=loopback,
    )


def _trouble(channel: Channel, failed: Delivery | None) -> str:
    if not channel.enabled:
        return f"it was switched off: {channel.disabled_why}"
    return (failed.last_error or "not accepted in time") if failed else ""


def _begin(team: Team, channels: Iterable[int]) -> int:
    with transaction.atomic():
        # One writer at a time; another may have started it.
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        if SelfTest.objects.filter(team=team, ended_at=None).exists():
            return 0
        incident = Incident(
            team=team,
            kind=IncidentKind.SELF_TEST,
            cause_key=f"self-test:{team.pk}",
            title="Alert delivery check",
            started_at=Now(),
            opened_at=Now(),
        )
        incident.save()
        SelfTest.objects.create(team=team, incident=incident, begun_at=Now())
        concerned = {channel: Concern(Why.SELF_TEST) for channel in channels}
        line = TimelineEntry(Step.OPENED, StepReason.SELF_TEST, _BEGUN)
        add_step(incident, line, lambda step: enqueue(step, concerned))
    return 1


def _go_on(key: int, now: datetime) -> None:
    """Resolve the incident once its trigger was answered; close the test once its resolve was."""
    with transaction.atomic():
        test = SelfTest.objects.select_for_update(skip_locked=True).filter(pk=key, ended_at=None).first()
        if test is None:
            return
        incident = Incident.objects.get(pk=test.incident_id)
        waiting = Delivery.objects.filter(incident=incident, state__in=OPEN_STATES).exists()
        if incident.resolved_at is None:
            if not waiting or now - test.begun_at > PATIENCE:
                add_step(incident, TimelineEntry(Step.RESOLVED, StepReason.SELF_TEST, _OVER), enqueue)
        elif not waiting or now - test.begun_at > 2 * PATIENCE:
            _close(test)


def _close(test: SelfTest) -> None:
    proof = Delivery.objects.filter(incident=test.incident_id)
    test.passed = proof.exists() and not proof.exclude(state=DeliveryState.SENT).exists()
    test.ended_at = database_now()
    test.save(update_fields=["passed", "ended_at"])
    # A late test message is not sent: it has no use.
    late = proof.filter(state__in=OPEN_STATES)
    late.update(state=DeliveryState.DEAD, last_error="not accepted in time", lease_until=None, lease_token=None)
    sync_selftest_incidents(test)
    old = SelfTest.objects.filter(team=test.team_id, ended_at__lt=test.ended_at - KEEP)
    Incident.objects.filter(pk__in=list(old.values_list("incident_id", flat=True)[:100])).delete()


def _make_loopback() -> None:
    defaults = {"name": LOOPBACK_NAME, "config": {}}
    Channel.objects.get_or_create(team=default_team(), kind=LOOPBACK, defaults=defaults)

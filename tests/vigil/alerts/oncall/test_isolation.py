"""Timers that are due, one of which cannot be run: two processes go on, and the other incidents' timers are in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.planting import Fault, plant, plant_poison
from tests.vigil.alerts.on_call_rows import Step, Webhook, monitor_of, opened, pass_time, policy, route, steps, tell
from tests.vigil.alerts.oncall.test_timers import ANN, lift, silence
from tests.waiting import until
from vigil.alerts.models import Delivery
from vigil.alerts.oncall import timers
from vigil.alerts.oncall.responses import snooze
from vigil.clock import database_now
from vigil.deadletters.actions import waiting
from vigil.incidents.models import Incident

pytestmark = pytest.mark.django_db(transaction=True)
#: What a fault may cost the timers of other incidents (s).
DELAY_S = 5.0


def escalated(incident: Incident) -> bool:
    return ("escalated", "not_acknowledged") in steps(incident)


def reminded(incident: Incident) -> bool:
    return ("reminded", "not_acknowledged") in steps(incident)


def woken(incident: Incident) -> bool:
    return ("reminded", "snooze_over") in steps(incident)


def released(incident: Incident) -> bool:
    return Delivery.objects.filter(incident=incident).exclude(state="held").exists()


#: The work of a timer, and what shows that it was done.
TIMERS = {"_escalate": escalated, "_remind": reminded, "_wake": woken, "_release": released}


def waits(step: Step, timer: str) -> Incident:
    """An incident on which such a timer waits, which is due at once."""
    if timer == "_release":
        first = step()
        night = silence(monitor_of(first))
        tell(first)
        lift(night)
        pass_time(first.incident, 40)
        return first.incident
    incident = opened(step)
    if timer == "_wake":
        snooze(incident.pk, ANN, database_now() + timedelta(minutes=30))
    pass_time(incident, 1_800 if timer == "_wake" else 60)
    return incident


@pytest.mark.parametrize("fault", [Fault, RecursionError])
@pytest.mark.parametrize("timer", TIMERS)
def test_s05_a_timer_that_cannot_be_run_stops_no_other(
    step: Step,
    webhook: Webhook,
    receiver: Any,
    timer: str,
    fault: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    route(webhook("/a"), policy=policy((60, [webhook("/b")])), remind_s=60)
    incidents = [waits(step, timer) for _ in range(3)]
    bad, others, done = incidents[1], [incidents[0], incidents[2]], TIMERS[timer]
    plant_poison(monkeypatch, timers, timer, lambda incident, _: incident.pk == bad.pk, fault)
    request.getfixturevalue("senders")
    until(lambda: all(map(done, others)), "the others", within_s=DELAY_S)
    until(lambda: waiting().filter(source="deliver", origin=str(bad.pk)).exists(), "the letter")
    assert not done(bad)
    monkeypatch.undo()
    until(lambda: done(bad), "the timer after the fix")


@pytest.mark.parametrize("name", ["_in_time", "_locked", "database_now"])
def test_s05_a_fault_at_a_step_of_the_timers_ends_no_process(
    step: Step,
    webhook: Webhook,
    receiver: Any,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    route(webhook("/a"), policy=policy((60, [webhook("/b")])))
    fault = plant(monkeypatch, timers, name, times=3)
    incident = waits(step, "_escalate")
    request.getfixturevalue("senders")
    until(lambda: fault.raised == 3, "the faults", within_s=DELAY_S)
    until(lambda: escalated(incident), "the timer", within_s=DELAY_S)

"""Objectives on real rows: an incident for each that burns too fast, told like any other, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery, Event
from vigil.alerts.outbox import enqueue
from vigil.history.models import Objective
from vigil.history.reading.objectives import evaluate, objective_status
from vigil.incidents.core.model import IncidentKind, Step
from vigil.incidents.models import Incident, Transition
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def monitor() -> Monitor:
    team = default_team()
    Channel.objects.create(team=team, name="hook", kind="webhook", config={"url": "https://example.com/"})
    fields = {"name": "checkout", "kind": "http", "config": {"url": "https://example.com/"}, "tags": ["shop"]}
    made = create_monitor(team, fields)
    Monitor.objects.update(created_at=NOW - timedelta(days=90))
    return made


def objective(monitor: Monitor, **fields: object) -> Objective:
    chosen = {"monitor": monitor} if "tag" not in fields else {}
    return Objective.objects.create(team=monitor.team, name="Checkout", **{**chosen, **fields})


def outage(monitor: Monitor, began: datetime, lasted: timedelta | None) -> Incident:
    return Incident.objects.create(
        team=monitor.team,
        monitor=monitor,
        kind=IncidentKind.OUTAGE,
        title="t",
        started_at=began,
        opened_at=began,
        resolved_at=None if lasted is None else began + lasted,
    )


def steps() -> list[tuple[str, str]]:
    told = Transition.objects.filter(incident__kind=IncidentKind.SLO).order_by("id")
    return list(told.values_list("step", "reason"))


def test_a_budget_that_burns_too_fast_is_one_incident_from_its_beginning_to_its_end(monitor: Monitor) -> None:
    row = objective(monitor)
    assert evaluate(NOW, enqueue) == 0 and steps() == []
    outage(monitor, NOW - timedelta(minutes=3), None)
    assert evaluate(NOW, enqueue) == 1
    assert evaluate(NOW, enqueue) == 0, "told once"
    assert steps() == [(Step.OPENED, "burning_fast")]
    incident = Incident.objects.get(kind=IncidentKind.SLO)
    assert incident.monitor == monitor and incident.team == monitor.team
    assert [each.event for each in Delivery.objects.all()] == [Event.TRIGGER], "through the outbox, as others"
    text = Transition.objects.get(incident=incident).text
    assert "Over the last hour the budget burned 50.0 times as fast as it allows" in text
    assert "3.0 min of the 43.2 min that 99.9 % allows in 30 days are spent, 93 % are left." in text
    Incident.objects.filter(kind=IncidentKind.OUTAGE).update(resolved_at=NOW)
    later = NOW + timedelta(minutes=10)
    assert evaluate(later, enqueue) == 1, "not so fast any more"
    assert evaluate(NOW + timedelta(days=4), enqueue) == 1
    assert steps()[1:] == [(Step.NOTE, "burning_steadily"), (Step.RESOLVED, "burn_over")]
    row.refresh_from_db()
    incident.refresh_from_db()
    assert row.pace == "" and row.incident is None and incident.resolved_at is not None
    assert Delivery.objects.filter(event=Event.RESOLVE).count() == 1


def test_the_next_time_is_another_incident(monitor: Monitor) -> None:
    objective(monitor)
    outage(monitor, NOW - timedelta(minutes=2), timedelta(minutes=2))
    evaluate(NOW, enqueue)
    evaluate(NOW + timedelta(days=4), enqueue)
    outage(monitor, NOW + timedelta(days=5), None)
    evaluate(NOW + timedelta(days=5, minutes=3), enqueue)
    assert Incident.objects.filter(kind=IncidentKind.SLO).count() == 2


def test_an_objective_that_is_switched_off_is_resolved(monitor: Monitor) -> None:
    objective(monitor)
    outage(monitor, NOW - timedelta(minutes=2), None)
    evaluate(NOW, enqueue)
    Objective.objects.update(enabled=False)
    assert evaluate(NOW, enqueue) == 1 and steps()[-1][0] == Step.RESOLVED


def test_a_tag_has_the_budget_of_all_its_monitors_together(monitor: Monitor) -> None:
    fields = {"kind": "http", "config": {"url": "https://example.com/"}, "tags": ["shop"]}
    for place in range(9):
        create_monitor(monitor.team, {"name": f"m{place}", **fields})
    Monitor.objects.update(created_at=NOW - timedelta(days=90))
    row = objective(monitor, tag="shop")
    outage(monitor, NOW - timedelta(minutes=5), None)
    seen = objective_status(row, NOW)
    assert seen.budget.spent_s == 300
    assert round(seen.budget.allowed_s) == round(0.001 * 30 * 86_400 * 10)
    assert round(seen.rates[3_600], 2) == round(300 / 36_000 / 0.001, 2)


def test_maintenance_spends_no_budget(monitor: Monitor) -> None:
    from vigil.silences.models import Silence

    row = objective(monitor)
    outage(monitor, NOW - timedelta(minutes=30), None)
    start = NOW - timedelta(hours=1)
    Silence.objects.create(team=monitor.team, name="w", excludes=True, every_monitor=True, starts_at=start, ends_at=NOW)
    assert objective_status(row, NOW).budget.spent_s == 0


def test_an_objective_is_about_one_thing_and_its_target_leaves_a_budget(monitor: Monitor) -> None:
    wrong: list[dict[str, object]] = [
        {"monitor": monitor, "tag": "shop"},
        {"monitor": None, "tag": ""},
        {"monitor": monitor, "target_percent": Decimal(100)},
    ]
    for fields in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            Objective.objects.create(team=monitor.team, name="x", **fields)

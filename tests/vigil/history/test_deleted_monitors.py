"""Deleted monitors go for good in time, and none that anything names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from vigil.accounts.teams import default_team
from vigil.alerts.models import Route
from vigil.clock import database_now
from vigil.history.models import Objective
from vigil.history.storage import deleted_monitors
from vigil.history.storage.deleted_monitors import KEEP_DAYS, purge_deleted_monitors
from vigil.incidents.models import Incident
from vigil.monitors.changes import delete_monitor
from vigil.monitors.models import Composite, CompositeMember, Dependency, Monitor
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db


def deleted(name: str, days: int = KEEP_DAYS + 1, **fields: Any) -> Monitor:
    monitor = Monitor.objects.create(team=default_team(), name=name, kind="http", **fields)
    delete_monitor(monitor)
    Monitor.objects.filter(pk=monitor.pk).update(deleted_at=database_now() - timedelta(days=days))
    return monitor


def names() -> set[str]:
    return set(Monitor.objects.values_list("name", flat=True))


def test_a_deleted_monitor_goes_after_its_time_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleted_monitors, "BATCH", 2)
    Monitor.objects.create(team=default_team(), name="watched", kind="http")
    deleted("recent", KEEP_DAYS - 1)
    for number in range(3):
        deleted(f"old {number}", KEEP_DAYS + 3 - number)
    assert purge_deleted_monitors(database_now()) == 2
    assert names() == {"watched", "recent", "old 2"}
    assert [purge_deleted_monitors(database_now()) for _ in range(2)] == [1, 0]
    assert names() == {"watched", "recent"}


def test_single_checks_are_gone_before_their_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = deleted_monitors.configuration().model_copy(update={"keep_checks_days": 365})
    monkeypatch.setattr(deleted_monitors, "configuration", lambda: kept)
    deleted("old")
    assert purge_deleted_monitors(database_now()) == 0
    assert purge_deleted_monitors(database_now() + timedelta(days=300)) == 1


def test_what_an_incident_or_anything_that_is_still_there_names_is_kept() -> None:
    team, now = default_team(), database_now()
    Incident.objects.create(team=team, monitor=deleted("incident"), kind="outage", started_at=now, opened_at=now)
    Route.objects.create(team=team, name="r", position=1, monitor=deleted("route"))
    Objective.objects.create(team=team, name="o", monitor=deleted("objective"))
    window = {"starts_at": now, "ends_at": now + timedelta(hours=1)}
    Silence.objects.create(team=team, name="s", mutes=True, **window).monitors.add(deleted("silence"))
    here = Monitor.objects.create(team=team, name="composite", kind="composite")
    CompositeMember.objects.create(composite=Composite.objects.create(monitor=here), monitor=deleted("member"))
    Dependency.objects.create(child=here, parent=deleted("parent"))
    kept = names()
    gone = deleted("composite that is gone")
    CompositeMember.objects.create(composite=Composite.objects.create(monitor=gone), monitor=deleted("its member"))
    assert purge_deleted_monitors(database_now()) == 2
    assert names() == kept

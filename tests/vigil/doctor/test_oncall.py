"""The doctor finds routes that lead nowhere, policies that call no person, and what is held back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import pytest
import redis

from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.models import Channel, EscalationPolicy, Person, Rotation, Route
from vigil.alerts.routing.changes import save_person, save_policy, save_rotation, save_route
from vigil.clock import database_now
from vigil.doctor import oncall
from vigil.doctor.findings import ExaminationContext, Finding
from vigil.monitors.models import Monitor
from vigil.silences.changes import create_silence
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db


def found(check: Callable[[ExaminationContext], Iterable[Finding]]) -> list[tuple[str, str]]:
    around = ExaminationContext(redis.Redis(), database_now())
    return [(finding.level.value, finding.text) for finding in check(around)]


def channel() -> Channel:
    made = Channel(team=default_team())
    return save_channel(made, {"name": "ops", "kind": "webhook", "config": {"url": "https://x.test"}})


def monitor(name: str, **fields: Any) -> Monitor:
    return Monitor.objects.create(team=default_team(), **{"name": name, "kind": "http", "config": {}, **fields})


def test_monitors_that_no_route_tells_anybody_of_are_named() -> None:
    monitor("chat", tags=["ai"]), monitor("shop"), monitor("job", kind="heartbeat")
    assert found(oncall.routes) == [("well", "Every monitor's outage would alert someone.")]
    save_route(Route(team=default_team()), {"name": "ai", "tags": ["ai"], "channels": [channel()]})
    ((level, text),) = found(oncall.routes)
    assert level == "problem" and "2 monitors (shop, job)" in text
    save_route(Route(team=default_team()), {"name": "rest", "default": True, "channels": list(Channel.objects.all())})
    assert found(oncall.routes)[0][0] == "well"


def test_a_policy_in_use_that_calls_nobody_is_a_problem() -> None:
    team = default_team()
    ann = save_person(Person(team=team), {"name": "ann"})
    rotation = save_rotation(Rotation(team=team), {"name": "web", "starts_on": date(2020, 1, 6), "people": [ann]})
    policy = save_policy(EscalationPolicy(team=team), {"name": "primary", "steps": [{"rotations": [rotation]}]})
    assert found(oncall.policies) == []
    save_route(Route(team=team), {"name": "all", "policy": policy})
    assert [level for level, _ in found(oncall.policies)] == ["warning", "problem"]
    save_person(ann, {"channels": [channel()]})
    assert found(oncall.policies) == []


def test_what_silences_hold_back_now_is_said() -> None:
    now = database_now()
    times = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=1)}
    create_silence(Silence(team=default_team()), {"name": "move", "every_monitor": True, "pauses": True, **times})
    ((level, text),) = found(oncall.silences)
    assert level == "note" and text.startswith("Silence move pauses the checks of every monitor until")

"""The live version of a team's pages changes with each commit that changes what they show, and with the minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.db import transaction

from tests.planting import Fault
from tests.vigil.incidents.world import World
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.heartbeats import rows
from vigil.heartbeats.changes import create_heartbeat
from vigil.heartbeats.core.states import HeartbeatStatus
from vigil.monitors import changes
from vigil.monitors.live import version as live_version
from vigil.monitors.live.version import touch
from vigil.read_models.live import live_version_of

NOW = datetime(2026, 11, 29, 14, 2, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def team(redis_url: str) -> Team:
    return default_team()


def version(team: Team) -> str:
    return live_version_of(team, NOW)


def test_a_commit_replaces_it_once_and_only_for_its_team(team: Team) -> None:
    other = Team.objects.create(name="Other", slug="other")
    before, of_the_other = version(team), version(other)
    with transaction.atomic():
        touch(team.pk)
        touch(team.pk)
        assert version(team) == before
    assert version(team) != before
    assert version(other) == of_the_other
    touch(None)
    assert version(other) != of_the_other


def test_what_is_rolled_back_leaves_it(team: Team) -> None:
    before = version(team)
    with pytest.raises(Fault), transaction.atomic():
        touch(team.pk)
        raise Fault
    assert version(team) == before


def test_verdicts_and_changes_of_monitors_replace_it(team: Team) -> None:
    world = World()
    seen = {version(team)}
    monitor = world.monitor("chat")
    seen.add(version(team))
    world.see(monitor, "fail")
    seen.add(version(team))
    changes.set_paused(monitor, True)
    seen.add(version(team))
    changes.delete_monitor(monitor)
    seen.add(version(team))
    assert len(seen) == 5


def test_a_job_that_becomes_late_replaces_it_and_one_that_calls_again_does_not(team: Team) -> None:
    subject = rows.load(create_heartbeat(team, {"name": "backup"}))
    seen = [version(team)]
    for status in (HeartbeatStatus.UP, HeartbeatStatus.LATE, HeartbeatStatus.LATE):
        subject.state = replace(subject.state, status=status)
        rows.store([subject])
        seen.append(version(team))
    assert len(set(seen)) == 3 and seen[2] == seen[3]


def test_it_needs_no_query_while_redis_answers(team: Team, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        version(team)


def test_it_changes_with_the_minute(team: Team) -> None:
    assert live_version_of(team, NOW + timedelta(seconds=59)) == version(team)
    assert live_version_of(team, NOW + timedelta(seconds=60)) != version(team)


def test_without_redis_it_is_that_of_the_newest_transition(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr(live_version, "redis_client", lambda: away)
    world = World()
    before = version(team)
    world.see(world.monitor("chat"), "fail")
    assert version(team) != before

"""The overview shows every monitor's state and why, in a number of queries that does not grow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.vigil.incidents.world import World
from vigil.accounts.authors import present_author
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.heartbeats.changes import create_heartbeat
from vigil.incidents.models import MonitorState
from vigil.monitors.changes import create_monitor, set_paused
from vigil.monitors.core.targets import host_of
from vigil.monitors.models import Monitor
from vigil.read_models.core.overview_query import parse_overview
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.overview import Overview, read_overview
from vigil.read_models.states import asked
from vigil.silences.changes import create_silence
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db

Shown = Callable[..., Overview]


@pytest.fixture
def world(redis_url: str) -> World:
    return World()


def shown(address: str = "", team: Team | None = None) -> Overview:
    query = parse_overview(parse_qs(address.removeprefix("?"), keep_blank_values=True))
    return read_overview(team or default_team(), query, timezone.now())


def names(overview: Overview) -> list[str]:
    return [row.name for row in [*overview.trouble, *overview.rows]]


def look(world: World) -> dict[str, Monitor]:
    """A monitor in each state."""
    monitors = {name: world.monitor(name) for name in ("down", "slow", "well", "blind", "regional")}
    world.see(monitors["down"], "pass", "fail")
    world.see(monitors["slow"], "pass", "slow")
    world.see(monitors["well"], "pass")
    world.see(monitors["blind"], "pass")
    world.see(monitors["regional"], "pass")
    MonitorState.objects.filter(monitor=monitors["blind"]).update(blind=True)
    MonitorState.objects.filter(monitor=monitors["regional"]).update(
        regional=True, dissent={world.regions[0].slug: {"saw": "failing", "rounds": 3}}
    )
    monitors["paused"] = set_paused(world.monitor("paused"), True)
    monitors["new"] = world.monitor("new")
    monitors["nightly"] = world.monitor("nightly", tags=["nightly"])
    world.see(monitors["nightly"], "pass")
    now = timezone.now()
    window = {"name": "nightly", "excludes": True, "tags": ["nightly"], "starts_at": now - timedelta(hours=1)}
    create_silence(Silence(team=default_team()), {**window, "ends_at": now + timedelta(hours=1)})
    return monitors


def test_trouble_comes_first_with_its_why_and_every_count_is_of_its_state(world: World) -> None:
    look(world)
    found = shown()
    assert [(row.name, row.state) for row in found.trouble] == [
        ("down", ShownState.DOWN), ("slow", ShownState.DEGRADED), ("blind", ShownState.UNKNOWN),
        ("regional", ShownState.UP),
    ]  # fmt: skip
    assert found.attention == found.trouble_found == 4
    assert {row.name: row.state for row in found.rows} == {
        "new": ShownState.NEW, "nightly": ShownState.MAINTENANCE, "paused": ShownState.PAUSED, "well": ShownState.UP,
    }  # fmt: skip
    assert found.total == 8
    assert {state.value: count for state, count in found.counts.items()} == {
        "down": 1, "degraded": 1, "unknown": 1, "up": 2, "new": 1, "maintenance": 1, "paused": 1,
    }  # fmt: skip
    why = {row.name: row.why for row in [*found.trouble, *found.rows]}
    assert why["down"].startswith("5 of 5 regions saw ")
    assert why["regional"].startswith("Up. 1 of 5 regions disagrees: ")
    assert why["nightly"].startswith("Maintenance until ")
    assert why["well"].startswith("Up for ")
    # Whether the day follows depends on the second that it was paused in.
    assert why["paused"].startswith(f"Paused by {present_author().name}")
    assert {row.word for row in found.trouble} >= {"Down", "Up, 1 differs"}


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("?q=dow", ["down"]),
        ("?q=example+down", ["down"]),
        ("?q=own", []),
        ("?state=down&state=paused", ["down", "paused"]),
        ("?state=regional", ["regional"]),
        ("?state=up", ["regional", "well"]),
        ("?tag=nightly", ["nightly"]),
        ("?kind=tcp", []),
        ("?failed=24h&sort=name", ["down", "slow"]),
        ("?region=nowhere", []),
        ("?sort=name&after=2", ["paused", "well"]),
        ("?sort=uptime&state=up", ["regional", "well"]),
        ("?sort=p95&state=up", ["regional", "well"]),
    ],
)
def test_filters_search_and_order(world: World, address: str, wanted: list[str]) -> None:
    look(world)
    found = shown(address)
    assert names(found) == wanted
    assert found.total == 8
    if "after" not in address:
        assert found.found == len(wanted)


def test_groups_are_counted_and_rows_name_theirs(world: World) -> None:
    world.monitor("chat", "api.openai.com")
    world.monitor("shop")
    create_heartbeat(default_team(), {"name": "backup"})
    found = shown()
    assert [(head.key, head.name, head.monitors) for head in found.groups] == [
        ("ai", "AI providers", 1), ("jobs", "Jobs", 1), ("services", "Services", 1),
    ]  # fmt: skip
    assert [(row.name, row.group) for row in found.rows] == [("chat", "ai"), ("backup", "jobs"), ("shop", "services")]
    assert [head.name for head in shown("?group=provider").groups] == ["No known provider", "OpenAI"]
    assert next(row for row in found.rows if row.name == "backup").why.startswith("Waiting for the first call.")


def test_the_queries_are_seven_whatever_the_number_of_monitors(world: World) -> None:
    look(world)
    for place in range(20):
        world.see(world.monitor(f"more-{place}"), "pass", "fail")
    team = default_team()
    for address in ("", "?q=more&tag=x&state=down"):
        with CaptureQueriesContext(connection) as queries:
            shown(address, team)
        assert len(queries) <= 7, [query["sql"][:90] for query in queries.captured_queries]


def test_a_search_can_use_the_index_of_words(world: World) -> None:
    query = parse_overview({"q": ["chat openai"]})
    with connection.cursor() as cursor:
        # With this few rows any other index would do as well.
        cursor.execute("SET LOCAL enable_seqscan = off; DROP INDEX monitor_name_in_team")
    found = asked(Monitor.objects.filter(deleted_at=None), query, timezone.now())
    assert "monitor_words" in found.explain()


def test_no_monitor_of_another_team_is_shown_or_counted(world: World) -> None:
    other = Team.objects.create(name="Other", slug="other")
    create_monitor(other, {"name": "theirs", "kind": "http", "config": {"url": "https://theirs.test/"}})
    look(world)
    assert "theirs" not in names(shown())
    assert shown(team=other).total == 1
    assert shown("?q=theirs").found == 0


def test_a_row_tells_its_incident_strip_and_days(world: World) -> None:
    look(world)
    # Before a monitor is there, nothing is measured: this one is not of this second.
    Monitor.objects.update(created_at=timezone.now() - timedelta(hours=1))
    row = shown("?state=down").trouble[0]
    assert row.incident is not None and row.incident.kind == "outage" and not row.incident.is_acknowledged
    assert row.strip.endswith("d") and len(row.days) == 90
    assert row.uptime is None or 0 <= row.uptime <= 1
    assert len(row.regions) == 5


def test_no_target_shows_a_key_that_stands_in_an_address(world: World) -> None:
    address = "https://api.example.com/v1/sk-planted0123456789/models?key=planted&x=1#planted"
    config = {"url": address}
    made = create_monitor(default_team(), {"name": "keyed", "kind": "http", "config": config})
    [row] = [row for row in shown().rows if row.name == "keyed"]
    assert row.target == made.target == "https://api.example.com/v1/***/models"
    assert "planted" not in str(row) and host_of(row.target) == "api.example.com"

"""Lists of the admin at 100,000 monitors: by index, or by a plan that costs little."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from vigil.accounts.login import ensure_first_admin
from vigil.accounts.teams import default_team
from vigil.monitors.models import Region

pytestmark = pytest.mark.django_db
COUNT = 100_000
_MONITORS = f"""
INSERT INTO monitors_monitor (public_id, team_id, name, kind, config, secrets, interval_s, timeout_ms, sensitivity,
    tags, priority, paused, paused_why, provider, revision, created_at, updated_at)
SELECT 'mon_' || n, %s, 'api-' || n, CASE WHEN n %% 50 = 0 THEN 'tcp' ELSE 'http' END,
    jsonb_build_object('url', 'https://host-' || n || '.example.test/health'), '', 60, 10000, 'normal',
    jsonb_build_array('prod', 'team-' || n %% 100), 'normal', n %% 1000 = 0, '', '', 1, now(), now()
FROM generate_series(1, {COUNT}) AS n
"""
_REGIONS = "INSERT INTO monitors_monitor_regions (monitor_id, region_id) SELECT id, %s FROM monitors_monitor"
_STATES = """
INSERT INTO incidents_monitorstate (monitor_id, status, account, dissent, passed_rounds, round_ms, flips_ms, regional,
    blind, flapping, blind_cause, version)
SELECT id, CASE WHEN id % 500 = 0 THEN 'down' ELSE 'up' END, false, '{}', 0, 0, '[]', false, false, false, '', 0
FROM monitors_monitor
"""
_INCIDENTS = """
INSERT INTO incidents_incident (public_id, team_id, monitor_id, kind, cause_key, provider, title, failure, started_at,
    opened_at, resolved_at, flapping, steps)
SELECT 'inc_' || id, team_id, id, 'outage', '', '', name || ' is down', 'timeout', now(), now(), now(), false, 2
FROM monitors_monitor
"""
_CHANGES = """
INSERT INTO monitors_monitorchange (monitor_id, at, author, via, action, fields, revision)
SELECT id, now(), 'ann', 'api', 'created', '[]', 1 FROM monitors_monitor
"""
#: Costs of PostgreSQL's planner. A scan of one of these tables that looks into every text costs about 10,000, and
#: takes a tenth of a second; what sorts or joins such a scan costs more.
BY_INDEX, BY_SCAN = 2_500, 12_000
MONITORS, INCIDENTS = "/admin/monitors/monitor/", "/admin/incidents/incident/"


def insert(cursor: Any) -> dict[str, int]:
    """The rows; keys of a team, a region and a monitor by name."""
    team, region = default_team(), Region.objects.create(slug="eu", domain="a")
    # Without a trigger for each row: what is asked here is how they are read.
    cursor.execute("SET LOCAL session_replication_role = replica")
    cursor.execute(_MONITORS, [team.pk])
    cursor.execute(_REGIONS, [region.pk])
    for statement in (_STATES, _INCIDENTS, _CHANGES):
        cursor.execute(statement)
    cursor.execute("SET LOCAL session_replication_role = origin")
    cursor.execute(
        "ANALYZE monitors_monitor, monitors_monitor_regions, incidents_monitorstate, incidents_incident,"
        " monitors_monitorchange"
    )
    cursor.execute("SELECT min(id) FROM monitors_monitor")
    return {"team": team.pk, "region": region.pk, "monitor": cursor.fetchone()[0]}


PAGES = [
    (MONITORS, BY_INDEX),
    (f"{MONITORS}?p=100", BY_SCAN),
    (f"{MONITORS}?q=api-77777", BY_SCAN),
    (f"{MONITORS}?q=mon_5", BY_SCAN),
    (f"{MONITORS}?q=nothing+at+all", BY_SCAN),
    (f"{MONITORS}?believed__status__exact=down", BY_SCAN),
    (f"{MONITORS}?kind=tcp", BY_SCAN),
    (f"{MONITORS}?paused__exact=1", BY_SCAN),
    (f"{MONITORS}?team__id__exact={{team}}", BY_INDEX),
    (f"{MONITORS}?regions__id__exact={{region}}", BY_SCAN),
    (f"{MONITORS}?o=3.-1", BY_SCAN),
    (f"{MONITORS}{{monitor}}/change/", BY_INDEX),
    (f"{MONITORS}add/?kind=http", BY_INDEX),
    ("/admin/autocomplete/?app_label=monitors&model_name=dependency&field_name=parent&term=api-9", BY_SCAN),
    (INCIDENTS, BY_INDEX),
    (f"{INCIDENTS}?q=api-77777", BY_SCAN),
    (f"{INCIDENTS}?state=open", BY_INDEX),
    (f"{INCIDENTS}?monitor__id__exact={{monitor}}", BY_INDEX),
    ("/admin/incidents/monitorstate/?status__exact=down", BY_SCAN),
    ("/admin/monitors/monitorchange/", BY_INDEX),
    ("/admin/monitors/monitorchange/?q=mon_5", BY_SCAN),
    ("/admin/monitors/monitorchange/?monitor__id__exact={monitor}", BY_INDEX),
    ("/admin/incidents/transition/", BY_INDEX),
]


def dearest(client: Client, cursor: Any, page: str) -> tuple[float, str]:
    """The dearest query of a page, by what the planner says of its cost."""
    with CaptureQueriesContext(connection) as asked:
        assert client.get(page).status_code == 200, page
    found = []
    for statement in (one["sql"] for one in asked.captured_queries if one["sql"].startswith("SELECT")):
        cursor.execute("EXPLAIN (FORMAT JSON) " + statement.replace("%", "%%"), [])
        plan = cursor.fetchone()[0]
        found.append(((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Total Cost"], statement))
    return max(found)


def test_a_list_of_100000_is_read_by_index_or_by_one_scan(client: Client) -> None:
    client.force_login(ensure_first_admin())
    with connection.cursor() as cursor:
        keys = insert(cursor)
        found = {page: (most, *dearest(client, cursor, page.format(**keys))) for page, most in PAGES}
    assert {page: (cost, statement) for page, (most, cost, statement) in found.items() if cost > most} == {}

"""Admin of history: pages load, and a form refuses what the API refuses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.history.models import Gap, Objective, Position, RecordedHour, Report
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Region

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


def test_every_page_of_history_loads(boss: Client) -> None:
    region = Region.objects.create(slug="eu", domain="a")
    Gap.objects.create(region=region, reason="trimmed", from_at=NOW, to_at=NOW)
    Position.objects.create(region=region, entry_id="1-1", updated_at=NOW)
    RecordedHour.objects.create(hour=480_000, touched_at=NOW)
    fields = {"name": "m", "kind": "http", "config": {"url": "https://x.test/"}}
    monitor = create_monitor(default_team(), fields)
    objective = Objective.objects.create(team=default_team(), name="Shop", monitor=monitor)
    Report.objects.create(team=default_team(), frequency="weekly", recipients=["a@example.com"])
    for page in ("gap", "position", "recordedhour", "objective", "report"):
        assert boss.get(f"/admin/history/{page}/").status_code == 200, page
    shown = boss.get(f"/admin/history/objective/{objective.pk}/change/").content.decode()
    assert "100 % are left" in shown


def test_a_form_refuses_what_cannot_be(boss: Client) -> None:
    team = default_team()
    other = create_monitor(
        Team.objects.create(name="Other", slug="other"),
        {"name": "o", "kind": "http", "config": {"url": "https://x.test/"}},
    )
    objective = {"team": team.pk, "name": "x", "target_percent": "99", "window_days": "30"}
    report = {"team": team.pk, "frequency": "weekly", "recipients": "a@example.com", "zone": "UTC"}
    wrong = [
        ("objective", objective),
        ("objective", {**objective, "monitor": other.pk}),
        ("report", {**report, "zone": "Moon"}),
        ("report", {**report, "recipients": "nobody"}),
        ("report", {**report, "recipients": " , "}),
    ]
    for page, fields in wrong:
        answer = boss.post(f"/admin/history/{page}/add/", fields)
        assert answer.status_code == 200 and "errorlist" in answer.content.decode(), fields
    assert not Objective.objects.exists() and not Report.objects.exists()
    assert boss.post("/admin/history/report/add/", report).status_code == 302
    assert boss.post("/admin/history/objective/add/", {**objective, "tag": "shop"}).status_code == 302

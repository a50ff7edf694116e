"""Objectives and reports over the API: made, checked, read; nothing across teams."""

from __future__ import annotations

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(default_team())


@pytest.fixture
def monitor() -> Monitor:
    return create_monitor(default_team(), {"name": "m", "kind": "http", "config": {"url": "https://example.com/"}})


def test_an_objective_is_made_read_changed_and_removed(api: Api, monitor: Monitor) -> None:
    status, made = api("POST", "objectives", {"name": "Shop", "monitor": monitor.public_id, "target_percent": "99.95"})
    assert status == 201 and made["window_days"] == 30 and made["pace"] == "", made
    budget = api("GET", f"objectives/{made['id']}/budget")[1]
    assert budget["left"] == 1.0 and budget["pace"] is None and budget["burn_rates"]["3600s"] == 0
    assert api("PATCH", f"objectives/{made['id']}", {"window_days": 7})[1]["window_days"] == 7
    assert api("DELETE", f"objectives/{made['id']}")[0] == 204


def test_what_an_objective_or_a_report_cannot_be_is_refused_by_field(api: Api, monitor: Monitor) -> None:
    named: dict[str, object] = {"name": "x", "monitor": monitor.public_id}
    assert api("POST", "objectives", named)[0] == 201
    assert api("POST", "objectives", named) == (409, {"name": ["This name is taken."]})
    wrong: list[tuple[str, dict[str, object], str]] = [
        ("objectives", {"name": "y"}, "monitor"),
        ("objectives", {"name": "y", "monitor": monitor.public_id, "tag": "a"}, "monitor"),
        ("objectives", {"name": "y", "monitor": "mon_nobody"}, "monitor"),
        ("objectives", {"name": "y", "tag": "a", "target_percent": "100"}, "target_percent"),
        ("objectives", {"name": "y", "tag": "a", "window_days": 400}, "window_days"),
        ("reports", {"frequency": "daily", "recipients": ["a@example.com"]}, "frequency"),
        ("reports", {"frequency": "weekly", "recipients": []}, "recipients"),
        ("reports", {"frequency": "weekly", "recipients": ["a@example.com\nBcc: b"]}, "recipients"),
        ("reports", {"frequency": "weekly", "recipients": ["a@example.com"] * 21}, "recipients"),
        ("reports", {"frequency": "weekly", "recipients": ["a@example.com"], "zone": "Moon"}, "zone"),
    ]
    for path, body, field in wrong:
        status, answer = api("POST", path, body)
        assert status == 400 and field in answer, (body, answer)


def test_a_report_is_asked_for_once_for_each_tag(api: Api) -> None:
    body = {"frequency": "weekly", "recipients": ["ops@example.com"], "zone": "Europe/Berlin"}
    assert api("POST", "reports", body)[0] == 201
    assert api("POST", "reports", body)[0] == 409
    assert api("POST", "reports", {**body, "tag": "shop"})[0] == 201


def test_another_team_sees_and_names_none_of_it(api: Api, monitor: Monitor) -> None:
    made = api("POST", "objectives", {"name": "Shop", "monitor": monitor.public_id})[1]
    stranger = Api(Team.objects.create(name="Other", slug="other"))
    assert stranger("GET", "objectives")[1]["results"] == []
    assert stranger("GET", f"objectives/{made['id']}/budget")[0] == 404
    assert stranger("POST", "objectives", {"name": "y", "monitor": monitor.public_id})[0] == 400

"""The admin's form of a monitor in a large installation (A12)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from vigil.accounts.login import ensure_first_admin
from vigil.accounts.teams import default_team
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db


def test_the_form_costs_the_same_however_many_monitors_there_are(client: Client) -> None:
    client.force_login(ensure_first_admin())
    team = default_team()
    row = create_monitor(team, {"name": "m", "kind": "http", "config": {"url": "https://example.com/"}})
    pages = ("/admin/monitors/monitor/add/?kind=http", f"/admin/monitors/monitor/{row.pk}/change/")
    for page in pages:
        client.get(page)
    before = [cost(client, page) for page in pages]
    Monitor.objects.bulk_create(Monitor(team=team, name=f"other {number}", kind="http") for number in range(400))
    after = [cost(client, page) for page in pages]
    assert [queries for queries, _ in after] == [queries for queries, _ in before]
    assert all(abs(now - then) < 500 for (_, now), (_, then) in zip(after, before, strict=True))


def cost(client: Client, page: str) -> tuple[int, int]:
    with CaptureQueriesContext(connection) as queries:
        answer: Any = client.get(page)
    assert answer.status_code == 200
    return len(queries), len(answer.content)


def test_parents_are_found_by_searching(client: Client) -> None:
    client.force_login(ensure_first_admin())
    create_monitor(default_team(), {"name": "gateway", "kind": "http", "config": {"url": "https://example.com/"}})
    where = {"app_label": "monitors", "model_name": "dependency", "field_name": "parent", "term": "gate"}
    found = client.get("/admin/autocomplete/", where).json()["results"]
    assert [each["text"] for each in found] == ["gateway"]

"""What one request asks of the database, by count: a check constraint is judged here and not by PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.vigil.api.caller import Api
from vigil.accounts.teams import default_team
from vigil.monitors.models import Region

pytestmark = pytest.mark.django_db(transaction=True)
HTTP: dict[str, Any] = {"name": "shop", "kind": "http", "config": {"url": "https://shop.test/health"}}


def test_a_monitor_is_made_read_changed_and_deleted_with_few_statements() -> None:
    for name in ("eu", "us", "asia"):
        Region.objects.create(slug=name, domain=name)
    api = Api(default_team())
    asked: dict[str, int] = {}

    def count(method: str, path: str, body: object = None) -> Any:
        with CaptureQueriesContext(connection) as seen:
            status, answer = api(method, path, body)
        assert status < 300, answer
        asked[method] = len(seen)
        return answer

    made = count("POST", "monitors", HTTP)
    assert made["regions"] == ["asia", "eu", "us"]
    count("PATCH", f"monitors/{made['id']}", {"interval_s": 30})
    shown = count("GET", f"monitors/{made['id']}")
    assert (shown["regions"], shown["interval_s"]) == (["asia", "eu", "us"], 30)
    count("DELETE", f"monitors/{made['id']}")
    assert asked["POST"] <= 12, asked
    assert asked["PATCH"] <= 12, asked
    assert asked["GET"] <= 4, asked

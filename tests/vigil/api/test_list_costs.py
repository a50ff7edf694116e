"""What a list asks of the database: as much for many rows as for two."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.vigil.api.caller import Api
from tests.vigil.status.subscribing import subscriber
from vigil.accounts.teams import default_team
from vigil.monitors.models import Monitor, Region
from vigil.status.models import StatusPage

pytestmark = pytest.mark.django_db
HTTP: dict[str, Any] = {"kind": "http", "config": {"url": "https://example.com/health"}}
HOOK: dict[str, Any] = {"kind": "webhook", "config": {"url": "https://x.test"}}
WINDOW = {"starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-02T00:00:00Z"}


def made(api: Api, path: str, **body: Any) -> str:
    status, answer = api("POST", path, body)
    assert status == 201, (path, answer)
    return str(answer["id"])


def plant(api: Api, number: int) -> None:
    """One more row of each list, with relations that its answer shows."""
    name = f"row-{number}"
    monitor = made(api, "monitors", name=name, **HTTP)
    made(api, "monitors", name=f"child-{number}", parents=[monitor], **HTTP)
    made(api, "heartbeats", name=f"job-{number}")
    made(api, "composites", name=f"all-{number}", rule="any", members=[{"monitor": monitor}])
    channel = made(api, "channels", name=name, **HOOK)
    person = made(api, "people", name=name, channels=[channel])
    made(api, "rotations", name=name, zone="UTC", starts_on="2030-01-07", people=[person])
    policy = made(api, "policies", name=name, steps=[{"channels": [channel], "people": [person]}])
    made(api, "routes", name=name, position=number + 1, channels=[channel], policy=policy, monitor=monitor)
    made(api, "silences", name=name, monitors=[monitor], **WINDOW)
    made(api, "objectives", name=name, monitor=monitor)
    components = [{"name": one, "monitor": monitor} for one in (name, f"again {name}")]
    page = made(api, "status-pages", slug=name, title=name, components=components)
    made(api, "public-incidents", page=page, title=name, text="x")
    window = {"starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-02T00:00:00Z"}
    made(api, "scheduled-maintenances", page=page, title=name, text="x", **window)
    [component, *_] = api("GET", f"status-pages/{page}")[1]["components"]
    made(api, "publication-rules", component=component["id"], title=name, text="x", closing_text="y")
    made(api, "update-templates", name=name, text="x", page=page, components=[component["id"]])
    subscriber(StatusPage.objects.get(public_id=page), f"{name}@example.test", name, f"again {name}")
    made(api, "reports", tag=name, frequency="weekly", recipients=["a@example.com"])


PATHS = (
    "monitors", "heartbeats", "composites", "channels", "people", "rotations", "policies", "routes", "silences",
    "objectives", "reports", "status-pages", "public-incidents", "scheduled-maintenances", "publication-rules",
    "subscribers", "update-templates",
)  # fmt: skip


def test_no_list_asks_more_for_more_rows() -> None:
    api = Api(default_team())
    Region.objects.create(slug="eu", domain="a")
    asked: list[dict[str, list[str]]] = []
    for numbers in ((0, 1), (2, 3, 4)):
        for number in numbers:
            plant(api, number)
        asked.append({path: statements(api, path, numbers[-1] + 1) for path in PATHS})
    few, many = asked
    assert {path: many[path] for path in PATHS if len(many[path]) > len(few[path])} == {}


def statements(api: Api, path: str, rows: int) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        assert len(api("GET", path)[1]["results"]) >= rows
    return [one["sql"] for one in seen.captured_queries]


def test_monitors_of_a_list_have_their_own_regions_in_order_of_names() -> None:
    api = Api(default_team())
    for slug in ("eu", "asia", "us"):
        Region.objects.create(slug=slug, domain=slug)
    for name, regions in {"a": ["us", "eu"], "b": [], "c": ["asia"], "d": ["us", "asia", "eu"]}.items():
        made(api, "monitors", name=name, regions=regions, **HTTP)
    rows = api("GET", "monitors?sort=name")[1]["results"]
    assert [row["regions"] for row in rows] == [["eu", "us"], [], ["asia"], ["asia", "eu", "us"]]
    assert rows == [api("GET", f"monitors/{row['id']}")[1] for row in rows]
    assert Monitor.objects.count() == 4

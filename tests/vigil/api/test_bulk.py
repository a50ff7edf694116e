"""Many monitors in one request: all or none, errors by index, and the rules of one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.vigil.api.caller import Api
from vigil.accounts.models import Scope, Team
from vigil.accounts.teams import default_team
from vigil.monitors.live.config_channel import listen, notified
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api() -> Api:
    Region.objects.create(slug="eu", domain="a")
    Region.objects.create(slug="us", domain="b")
    Region.objects.create(slug="off", domain="c", enabled=False)
    return Api(default_team())


def item(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "kind": "http", "config": {"url": f"https://shop.test/{name}"}, **fields}


def bulk(api: Api, action: str, **fields: Any) -> Any:
    status, answer = api("POST", "monitors/bulk", {"action": action, **fields})
    assert status == 200, answer
    return answer


def shown(api: Api, field: str) -> list[Any]:
    return [row[field] for row in api("GET", "monitors?sort=name")[1]["results"]]


def test_many_are_created_as_each_alone_would_be_and_dispatch_hears_of_each(api: Api) -> None:
    gateway = api("POST", "monitors", item("gateway"))[1]["id"]
    listen()
    notified()
    items = [
        item("a", parents=[gateway]),
        item("b", regions=["us"], secrets={"bearer": "y"}),
        {"preset": "openai", "key": "k"},
    ]
    made = bulk(api, "create", items=items)
    assert made["count"] == 3 and notified() >= set(made["ids"])
    rows = [api("GET", f"monitors/{name}")[1] for name in made["ids"]]
    assert [row["regions"] for row in rows] == [["eu", "us"], ["us"], ["eu", "us"]]
    assert (rows[0]["parents"], rows[1]["secret_names"], rows[2]["tags"]) == ([gateway], ["bearer"], ["ai"])
    alone = api("POST", "monitors", item("alone"))[1]
    same = ("kind", "interval_s", "timeout_ms", "sensitivity", "status", "revision", "warnings")
    assert {name: rows[0][name] for name in same} == {name: alone[name] for name in same}


def test_one_that_is_wrong_creates_none_and_is_named_by_its_index(api: Api) -> None:
    api("POST", "monitors", item("there"))
    wrong = [
        item("a"),
        item("a"),
        item("there"),
        item("c", interval_s=1),
        item("d", config={"url": "no"}),
        item("e", x=1),
    ]
    typed = api.problem("POST", "monitors/bulk", {"action": "create", "items": wrong})
    assert [error["field"] for error in typed["errors"]] == ["items.3.interval_s", "items.5.x"]
    ruled = api.problem("POST", "monitors/bulk", {"action": "create", "items": [*wrong[:3], wrong[4]]})
    fields = {error["field"]: error["code"] for error in ruled["errors"]}
    assert fields == {"items.1.name": "duplicate", "items.2.name": "duplicate", "items.3.config.url": "invalid"}
    assert Monitor.objects.count() == 1


def test_the_statements_of_a_creation_do_not_grow_with_the_items(api: Api) -> None:
    api("GET", "monitors")
    asked = []
    for first, count in ((0, 2), (10, 60)):
        items = [item(f"m{number}", regions=["eu"]) for number in range(first, first + count)]
        with CaptureQueriesContext(connection) as seen:
            bulk(api, "create", items=items)
        asked.append(len(seen))
    assert asked[0] == asked[1] <= 12


def test_chosen_by_ids_or_by_filter_they_are_paused_tagged_silenced_and_deleted(api: Api) -> None:
    ids = bulk(api, "create", items=[item("a", tags=["x"]), item("b", tags=["x"]), item("c")])["ids"]
    beat = api("POST", "heartbeats", {"name": "d", "tags": ["x"]})[1]["id"]
    assert bulk(api, "pause", filter={"tag": "x"})["count"] == 3
    assert shown(api, "status") == ["paused", "paused", "unknown", "paused"]
    assert api("GET", f"heartbeats/{beat}")[1]["status"] == "paused"
    assert bulk(api, "pause", ids=ids)["count"] == 1
    assert bulk(api, "resume", ids=[*ids, beat])["count"] == 4
    assert bulk(api, "tag", filter={"kind": ["http"]}, tags=["x", "y"])["count"] == 3
    assert bulk(api, "untag", ids=ids[:1], tags=["x"])["count"] == 1
    assert shown(api, "tags") == [["y"], ["x", "y"], ["x", "y"], ["x"]]
    window = {"name": "night", "cron": "0 3 * * *", "duration_s": 3600}
    silence = bulk(api, "silence", ids=ids, silence=window)["silence"]
    assert sorted(api("GET", f"silences/{silence}")[1]["monitors"]) == sorted(ids)
    assert api("POST", "monitors/bulk", {"action": "delete", "ids": ids})[0] == 409
    assert bulk(api, "delete", ids=[*ids, beat], force=True)["count"] == 4
    assert shown(api, "name") == []
    assert Monitor.objects.exclude(secrets="").count() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "pause"}, "ids"),
        ({"action": "pause", "filter": {}}, "filter"),
        ({"action": "pause", "ids": ["mon_nope"]}, "ids.0"),
        ({"action": "pause", "filter": {"bogus": "1"}}, "filter.bogus"),
        ({"action": "pause", "filter": {"updated_after": ""}}, "filter.updated_after"),
        ({"action": "pause", "filter": {"q": None}}, "filter.q"),
        ({"action": "pause", "filter": {"q": ""}}, "filter.q"),
        ({"action": "pause", "filter": {"kind": [["http"]]}}, "filter.kind"),
        ({"action": "pause", "filter": {"kind": {}}}, "filter.kind"),
        ({"action": "pause", "filter": {"tag": []}}, "filter.tag"),
        ({"action": "pause", "filter": {"region": "nope"}}, "filter.region"),
        ({"action": "pause", "filter": {"paused": "maybe"}}, "filter.paused"),
        ({"action": "pause", "ids": ["mon_a"], "filter": {"tag": "x"}}, "filter"),
        ({"action": "tag", "filter": {"tag": "x"}}, "tags"),
        ({"action": "create", "items": [{}] * 1001}, "items"),
        ({"action": "explode"}, "action"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_that_means_nothing_is_refused_by_field(api: Api, body: dict[str, Any], field: str) -> None:
    assert [error["field"] for error in api.problem("POST", "monitors/bulk", body)["errors"]] == [field]


def test_another_team_and_a_token_that_may_only_read_change_nothing(api: Api) -> None:
    ids = bulk(api, "create", items=[item("a")])["ids"]
    other = Api(Team.objects.create(name="other", slug="other"))
    assert other("POST", "monitors/bulk", {"action": "delete", "ids": ids})[0] == 400
    assert bulk(other, "delete", filter={"q": "a"})["count"] == 0
    reader = Api(default_team(), Scope.READ)
    assert reader("POST", "monitors/bulk", {"action": "delete", "ids": ids})[0] == 403
    assert shown(api, "name") == ["a"]


def test_monitors_of_a_filter_are_locked_by_their_keys_since_a_join_may_scan_once_for_each(api: Api) -> None:
    bulk(api, "create", items=[item(f"many-{number}") for number in range(3)])
    for action in ("pause", "delete"):
        with CaptureQueriesContext(connection) as seen:
            assert bulk(api, action, filter={"q": "many-", "region": "eu"})["count"] == 3
        locking = [one["sql"] for one in seen.captured_queries if "UPDATE OF" in one["sql"]]
        assert locking and not any(sql.count("SELECT") > 1 for sql in locking), locking


ITEMS: list[dict[str, Any]] = [
    {},
    {"name": "a"},
    {"name": None},
    item("", config={"url": "https://a.test"}),
    item("a", kind="nope"),
    item("a", kind="heartbeat", config={}),
    item("a", config={}),
    item("a", config={"url": "https://a.test", "x": 1}),
    item("a", config={"url": 7}),
    item("a", regions=["nope"]),
    item("a", parents=["mon_nope"]),
    item("a", tags=["x", 7]),
    item("a", timeout_ms=60_000, interval_s=10),
    item("a", address="https://a.test"),
    item("a", namee="b"),
    {"preset": "openai", "key": "a\nb"},
    {"preset": "openai"},
    {"preset": "vllm", "address": "ftp://a.test"},
    {"preset": "nope"},
]


@pytest.mark.parametrize("body", ITEMS, ids=str)
def test_an_item_is_refused_as_it_would_be_alone(api: Api, body: dict[str, Any]) -> None:
    alone = api.problem("POST", "monitors", body)["errors"]
    of_item = api.problem("POST", "monitors/bulk", {"action": "create", "items": [item("fine"), body]})["errors"]
    assert of_item == [{**error, "field": f"items.1.{error['field']}"} for error in alone]


def test_what_is_wrong_with_a_monitor_has_a_code_of_its_own(api: Api) -> None:
    codes = [
        {error["field"]: error["code"] for error in api.problem("POST", "monitors", body)["errors"]} for body in ITEMS
    ]
    assert codes[0] == {"name": "required", "kind": "required", "config": "required"}
    assert codes[4:11] == [
        {"kind": "unknown_choice"},
        {"kind": "invalid"},
        {"config.url": "required"},
        {"config.x": "unknown_field"},
        {"config.url": "wrong_type"},
        {"regions": "no_such_row"},
        {"parents": "no_such_row"},
    ]
    chosen = api.problem("POST", "monitors/bulk", {"action": "pause", "ids": ["mon_nope"]})["errors"]
    assert [error["code"] for error in chosen] == ["no_such_row"]
    missing = api.problem("POST", "monitors/bulk", {"action": "pause"})["errors"]
    assert [error["code"] for error in missing] == ["required"]
    assert [error["code"] for error in api.problem("POST", "monitors", [])["errors"]] == ["wrong_type"]

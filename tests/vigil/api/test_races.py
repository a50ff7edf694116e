"""Writes that meet: a deleted row never comes back (A1), and a race is 404, 409 or 400 and never 500 (A2)."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.vigil.api.caller import Api
from vigil.accounts.models import ApiToken, Membership, Role, Scope, User
from vigil.accounts.teams import default_team

pytestmark = pytest.mark.django_db(transaction=True)

HTTP: dict[str, Any] = {"name": "shop", "kind": "http", "config": {"url": "https://shop.test/"}}
#: Path -> what makes a row, and what changes it.
ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "channels": ({"name": "c", "kind": "webhook", "config": {"url": "https://x.test"}}, {"enabled": False}),
    "routes": ({"name": "r", "position": 1}, {"enabled": False}),
    "people": ({"name": "ann"}, {"name": "bea"}),
    "rotations": ({"name": "web", "starts_on": "2030-01-07", "people": []}, {"name": "ops"}),
    "objectives": ({"name": "o", "target_percent": "99.5", "window_days": 30, "tag": "x"}, {"enabled": False}),
    "reports": ({"frequency": "weekly", "recipients": ["a@x.test"]}, {"enabled": False}),
    "silences": ({"name": "s", "cron": "0 3 * * *", "duration_s": 3600, "tags": ["x"]}, {"reason": "again"}),
    "status-pages": ({"slug": "acme", "title": "o", "components": [{"name": "a", "tag": "x"}]}, {"title": "p"}),
    "monitors": (HTTP, {"interval_s": 30}),
    "heartbeats": ({"name": "backup"}, {"grace_s": 900}),
    "composites": ({"name": "both", "rule": "any"}, {"rule": "all"}),
}


@pytest.fixture
def api() -> Api:
    return Api(default_team(), Scope.READ, Scope.WRITE)


def made(api: Api, path: str) -> str:
    wanted = dict(ROWS[path][0])
    if path == "composites":
        wanted["members"] = [{"monitor": api("POST", "monitors", HTTP)[1]["id"]}]
    if path == "rotations":
        wanted["people"] = [api("POST", "people", {"name": "ann"})[1]["id"]]
    status, row = api("POST", path, wanted)
    assert status == 201, row
    return f"{path}/{row['id']}"


def in_a_thread(work: Callable[[], Any]) -> Any:
    """What it gives, in a database session of its own that is closed afterwards."""
    try:
        return work()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ROWS)
def test_a1_a_row_that_is_deleted_while_it_is_changed_stays_deleted(api: Api, path: str) -> None:
    row = made(api, path)
    deleted, commit = threading.Event(), threading.Event()

    def delete() -> int:
        with transaction.atomic():
            status = api("DELETE", row)[0]
            deleted.set()
            commit.wait(20)
        return status

    with ThreadPoolExecutor(2) as pool:
        deleting = pool.submit(in_a_thread, delete)
        assert deleted.wait(20)
        changing = pool.submit(in_a_thread, lambda: api("PATCH", row, ROWS[path][1])[0])
        # The change waits for the lock, or has not begun: either way it must not bring the row back.
        changing_waits(changing)
        commit.set()
        assert (deleting.result(20), changing.result(20)) == (204, 404)
    assert api("GET", row)[0] == 404


def changing_waits(changing: Any) -> None:
    from tests.waiting import until

    query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return bool(changing.done() or cursor.fetchone())

    until(waits, within_s=20)


@pytest.mark.parametrize("path", [path for path in ROWS if path not in ("composites", "rotations")])
def test_a2_requests_at_once_for_one_name_make_one_row_and_no_500(api: Api, path: str) -> None:
    wanted = ROWS[path][0]
    together = threading.Barrier(6)

    def make() -> int:
        together.wait(20)
        return api("POST", path, wanted)[0]

    with ThreadPoolExecutor(6) as pool:
        statuses = Counter(pool.map(lambda _: in_a_thread(make), range(6)))
    unnamed = ("routes", "silences", "objectives", "people")
    assert set(statuses) <= {201, 400, 409}
    assert statuses[201] == 1 or path in unnamed


@pytest.mark.parametrize("path", ROWS)
def test_a2_changes_and_deletions_at_once_are_never_a_500(api: Api, path: str) -> None:
    row = made(api, path)
    together = threading.Barrier(8)

    def write(number: int) -> int:
        together.wait(20)
        return api("DELETE", row)[0] if number % 2 else api("PATCH", row, ROWS[path][1])[0]

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(lambda number: in_a_thread(lambda: write(number)), range(8)))
    assert statuses <= {200, 204, 404, 409}
    assert api("GET", row)[0] == 404


def locked_tables(api: Api, method: str, path: str, body: object = None) -> list[str]:
    """Tables whose rows a request locks, in order, each with how."""
    with CaptureQueriesContext(connection) as seen:
        status, answer = api(method, path, body)
    assert status < 300, answer
    found = [re.search(r'FOR (NO KEY )?UPDATE OF "(\w+)"', one["sql"]) for one in seen.captured_queries]
    return [f"{one[2]}{' without its key' if one[1] else ''}" for one in found if one]


def test_writers_of_heartbeats_lock_them_before_their_monitors_and_so_never_cross(api: Api) -> None:
    first = api("POST", "heartbeats", {"name": "backup"})[1]["id"]
    second = api("POST", "heartbeats", {"name": "cleaning"})[1]["id"]
    asked = (
        ("PATCH", f"heartbeats/{first}", {"name": "backups"}),
        ("POST", "monitors/bulk", {"action": "pause", "ids": [first]}),
        ("POST", "monitors/bulk", {"action": "resume", "filter": {"kind": "heartbeat"}}),
        ("DELETE", f"monitors/{second}", None),
        ("POST", "monitors/bulk", {"action": "delete", "ids": [first]}),
    )
    for method, path, body in asked:
        tables = locked_tables(api, method, path, body)
        assert tables[0].startswith("heartbeats_heartbeat"), (method, path, tables)


def test_a_monitor_is_locked_without_its_key_so_that_a_row_that_names_it_need_not_wait(api: Api) -> None:
    monitor = api("POST", "monitors", HTTP)[1]["id"]
    asked = (
        ("PATCH", f"monitors/{monitor}", {"interval_s": 30}),
        ("POST", "monitors/bulk", {"action": "tag", "ids": [monitor], "tags": ["x"]}),
        ("DELETE", f"monitors/{monitor}", None),
    )
    for method, path, body in asked:
        tables = [one for one in locked_tables(api, method, path, body) if one.startswith("monitors_monitor")]
        assert tables and set(tables) == {"monitors_monitor without its key"}, (method, path)


def test_of_rotations_of_one_token_at_once_one_wins(api: Api) -> None:
    ann = User.objects.create_user("ann")
    Membership.objects.create(user=ann, team=default_team(), role=Role.MEMBER)
    owner = Api(default_team(), Scope.WRITE, user=ann)
    token = owner("POST", "tokens", {"name": "ci"})[1]["id"]
    rotate = f"tokens/{token}/rotate"
    with ThreadPoolExecutor(6) as pool:
        statuses = Counter(pool.map(lambda _: in_a_thread(lambda: owner("POST", rotate, {})[0]), range(6)))
    assert statuses == {201: 1, 409: 5}
    assert ApiToken.objects.filter(name="ci").count() == 2

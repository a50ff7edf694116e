"""The API drops nothing in silence: unknown fields, read-only fields and unknown filters are refused (n1, n14, n15)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team
from vigil.monitors.models import Region

pytestmark = pytest.mark.django_db
HTTP: dict[str, Any] = {"name": "m", "kind": "http", "config": {"url": "https://example.com/health"}}


@pytest.fixture
def api() -> Api:
    return Api(default_team(), Scope.READ, Scope.WRITE)


WRITES = ["monitors", "heartbeats", "composites", "channels", "routes", "people", "rotations", "policies", "silences"]


@pytest.mark.parametrize("path", WRITES)
def test_an_unknown_field_is_refused_by_name(api: Api, path: str) -> None:
    status, answer = api("POST", path, {"tagz": ["x"]})
    assert status == 400
    assert answer["tagz"][0].startswith("There is no such field. ")


@pytest.mark.parametrize("path", [*WRITES, "regions", "incidents", "deliveries"])
def test_an_unknown_filter_is_refused_by_name(api: Api, path: str) -> None:
    status, answer = api("GET", f"{path}?bogus=1")
    assert (status, list(answer)) == (400, ["bogus"]), answer
    assert api("GET", f"{path}?limit=1")[0] == 200


def test_a_boolean_parameter_that_is_none_is_refused_and_nothing_is_done(api: Api) -> None:
    path = f"monitors/{api('POST', 'monitors', HTTP)[1]['id']}"
    for wrong in ("yes", "0.5"):
        assert api("DELETE", f"{path}?force={wrong}") == (400, {"force": ["Either true or false."]})
    assert api("DELETE", f"{path}?force=") == (400, {"force": ["Give a value, or leave it out."]})
    assert api("DELETE", f"{path}?force=true&force=true") == (400, {"force": ["Give it once; it was given 2 times."]})
    assert api("GET", "export?everything=maybe")[0] == 400
    assert (api("GET", "export?everything=true")[0], api("DELETE", f"{path}?force=1")[0]) == (200, 204)


def test_a_field_that_is_given_twice_is_refused(api: Api) -> None:
    for text in ('{"name": "a", "name": "b"}', '{"config": {"url": "https://a.test", "url": "https://b.test"}}'):
        headers = {"authorization": f"Bearer {api.plain}"}
        answer = api.client.generic("POST", "/api/v1/monitors", text, "application/json", headers=headers)
        assert answer.status_code == 400 and "twice" in answer.json()["detail"], text


def test_a_moment_at_an_end_of_the_calendar_is_refused(api: Api) -> None:
    monitor = api("POST", "monitors", HTTP)[1]["id"]
    rotation = api("POST", "rotations", {"name": "r", "zone": "UTC", "starts_on": "2030-01-07"})[1]["id"]
    asked = ["monitors?updated_after=", "incidents?opened_before=", "deliveries?created_after=", "uptime?to="]
    asked += [f"monitors/{monitor}/{each}=" for each in ("uptime?to", "percentiles?to", "latency?from", "results?from")]
    asked += [f"rotations/{rotation}/{each}=" for each in ("on-call?at", "shifts?from")]
    asked += ["whom?at=", f"silences/excluded?monitor={monitor}&from=9999-12-30T00:00:00Z&to="]
    for path in asked:
        for moment in ("0001-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59%2B23:59"):
            assert api("GET", f"{path}{moment}")[0] == 400, (path, moment)
    late = {"name": "late", "every_monitor": True, "starts_at": "9999-12-31T00:00:00Z", "duration_s": 172_800}
    assert api("POST", "silences", late) == (400, {"starts_at": ["A year from 1970 to 9000."]})
    last = {"zone": "Pacific/Honolulu", "starts_on": "9999-12-31", "handover": "20:00"}
    assert api("PATCH", f"rotations/{rotation}", last) == (400, {"starts_on": ["A year from 1970 to 9000."]})


def test_a_misspelt_field_gets_the_near_name(api: Api) -> None:
    assert api("POST", "monitors", {**HTTP, "tagz": []})[1] == {"tagz": ["There is no such field. Did you mean tags?"]}


def test_what_was_read_may_be_sent_back_but_not_a_changed_read_only_field(api: Api) -> None:
    made = api("POST", "monitors", HTTP)[1]
    path = f"monitors/{made['id']}"
    assert api("PATCH", path, {**api("GET", path)[1], "interval_s": 30})[1]["interval_s"] == 30
    assert api("PATCH", path, {"status": "up"}) == (400, {"status": ["This field is read-only: leave it out."]})


def test_a_heartbeat_takes_its_priority(api: Api) -> None:
    status, made = api("POST", "heartbeats", {"name": "backup", "priority": "high"})
    assert (status, made["priority"]) == (201, "high")
    assert api("PATCH", f"heartbeats/{made['id']}", {"priority": "low"})[1]["priority"] == "low"


def test_the_list_of_monitors_shows_their_status_without_a_query_each(
    api: Api, django_assert_max_num_queries: Any
) -> None:
    Region.objects.create(slug="eu", domain="a")
    for number in range(3):
        api("POST", "monitors", {**HTTP, "name": f"m{number}"})
    with django_assert_max_num_queries(8):
        rows = api("GET", "monitors")[1]["results"]
    assert [(row["status"], row["regions"]) for row in rows] == [("unknown", ["eu"])] * 3


def test_a_route_that_tells_no_one_says_so(api: Api) -> None:
    assert "alerts no one" in api("POST", "routes", {"name": "r", "position": 1})[1]["warnings"][0]
    hook = api("POST", "channels", {"name": "c", "kind": "webhook", "config": {"url": "https://x.test"}})[1]
    assert api("POST", "routes", {"name": "s", "position": 2, "channels": [hook["id"]]})[1]["warnings"] == []


def test_an_empty_parameter_is_refused_since_taken_for_none_it_would_show_everything(api: Api) -> None:
    monitor = api("POST", "monitors", HTTP)[1]["id"]
    asked = ["monitors?q", "monitors?tag", "monitors?kind", "monitors?sort", "monitors?cursor", "monitors?limit"]
    asked += ["monitors?fields", "incidents?kind", "uptime?tag", "uptime?tz", "uptime?from", "states?cursor"]
    asked += [f"monitors/{monitor}/{each}" for each in ("results?regions", "latency?from", "rollups?by", "uptime?days")]
    asked += ["whom?monitor", "export?everything"]
    for path in asked:
        found = api.problem("GET", f"{path}=")
        name = path.partition("?")[2]
        assert [(error["field"], error["code"]) for error in found["errors"]] == [(name, "blank")], path
        assert api("GET", f"{path}=&{name}=x")[0] == 400, path


def test_a_region_of_a_query_that_there_is_not_is_told_with_the_near_one(api: Api) -> None:
    Region.objects.create(slug="eu-west", domain="a")
    monitor = api("POST", "monitors", HTTP)[1]["id"]
    [error] = api.problem("GET", f"monitors/{monitor}/latency?regions=eu-wst")["errors"]
    assert (error["code"], error["reason"]) == ("no_such_row", "There is no region eu-wst. Did you mean eu-west?")

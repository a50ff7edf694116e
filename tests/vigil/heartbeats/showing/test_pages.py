"""What people and programs see: the API, the page of a heartbeat, charts and badges."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from django.test import Client

from tests.vigil.api.caller import Api
from tests.vigil.heartbeats.jobs import ago, call, job, logged, nobody
from vigil.accounts.models import Scope, Team, User
from vigil.accounts.teams import default_team
from vigil.heartbeats import overview
from vigil.heartbeats.apply import apply_entries
from vigil.heartbeats.changes import rotate_address, set_paused, team_pings
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.suggestions import SUGGESTIONS
from vigil.heartbeats.models import Heartbeat
from vigil.heartbeats.showing.badges import Badge, as_svg, worst_of
from vigil.heartbeats.showing.charts import Bar, chart
from vigil.heartbeats.showing.snippets import SNIPPETS

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(default_team(), under="heartbeats")


def worked() -> Heartbeat:
    """A job with three runs behind it, the last of which failed."""
    row = job("embed <documents>", budget={"max_cost": 2})
    pings = []
    for hours, facts in ((3, {"items": 10, "tokens": 900, "cost": 0.5}), (2, {"items": 20, "cost": 1.5})):
        pings.append(call(row, ago(hours=hours), PingKind.START))
        pings.append(call(row, ago(hours=hours, minutes=-5), body=json.dumps(facts).encode()))
    pings.append(call(row, ago(hours=1), PingKind.FAIL, exit_code=1, body=b"out of <memory>"))
    apply_entries([logged(*pings)], nobody)
    row.refresh_from_db()
    return row


def test_a_heartbeat_is_made_from_a_kind_of_job_and_may_be_adjusted(api: Api) -> None:
    code, made = api("POST", "", {"name": "Embed", "job": "embeddings", "grace_s": 600, "tags": ["ai"]})
    assert (code, made["schedule"], made["period_s"], made["grace_s"]) == (201, "period", 3_600, 600)
    assert (made["slug"], made["status"], made["tags"]) == ("embed", "new", ["ai"])
    assert made["ping_url"].startswith("http://testserver/ping/")
    code, changed = api("PATCH", f"/{made['id']}", {"schedule": "cron", "expression": "0 2 * * *", "name": "Nightly"})
    assert (code, changed["expression"], changed["name"]) == (200, "0 2 * * *", "Nightly")
    assert [one["id"] for one in api("GET", "?tag=ai")[1]["results"]] == [made["id"]]
    assert api("DELETE", f"/{made['id']}")[0] == 204
    assert api("GET", f"/{made['id']}")[0] == 404


@pytest.mark.parametrize(
    ("job_kind", "grace_min"),
    [("embeddings", 20), ("nightly-batch", 120), ("classification", 45), ("weekly-report", 180), ("real-time", 5)],
)
def test_the_usual_kinds_of_ai_jobs_come_with_a_grace(api: Api, job_kind: str, grace_min: int) -> None:
    offered = {one["job"]: one["terms"] for one in api("GET", "/suggestions")[1]["results"]}
    assert offered.keys() == SUGGESTIONS.keys()
    code, made = api("POST", "", {"name": job_kind, "job": job_kind})
    assert (code, made["grace_s"]) == (201, grace_min * 60)
    assert offered[job_kind]["grace_s"] == grace_min * 60


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"period_s": 59}, "period_s"),
        ({"grace_s": 59}, "grace_s"),
        ({"schedule": "cron", "expression": "every day"}, "expression"),
        ({"schedule": "oncalendar", "expression": "Mon..", "time_zone": "UTC"}, "expression"),
        ({"schedule": "cron", "expression": "* * * * *", "time_zone": "Nowhere"}, "time_zone"),
        ({"slug": "Has Spaces"}, "slug"),
        ({"slug": "taken"}, "slug"),
        ({"name": "taken"}, "name"),
        ({"keywords": {"fail": "ERROR"}}, "keywords"),
        ({"keywords": {"otherwise": "fail"}}, "keywords"),
        ({"budget": {"max_cost": "much"}}, "budget"),
        ({"budget": {"max_money": 1}}, "budget"),
        ({"job": "gardening"}, "job"),
    ],
)
def test_what_could_not_be_kept_is_refused_by_field(api: Api, wanted: dict[str, Any], field: str) -> None:
    job("taken")
    code, problems = api("POST", "", {"name": "new", **wanted})
    assert (code, list(problems)) == (409 if "taken" in wanted.values() else 400, [field])
    assert Heartbeat.objects.count() == 1


def test_pausing_rotating_pings_and_bodies(api: Api) -> None:
    row = worked()
    at = f"/{row.monitor.public_id}"
    assert api("POST", f"{at}/pause", {"until_ping": True})[1]["status"] == "paused"
    assert api("POST", f"{at}/resume")[1]["status"] == "new"
    before = api("GET", at)[1]["ping_url"]
    assert api("POST", f"{at}/rotate")[1]["ping_url"] != before
    pings = api("GET", f"{at}/pings")[1]["results"]
    assert [ping["kind"] for ping in pings] == ["fail", "success", "start", "success", "start"]
    assert (pings[1]["duration_ms"] // 10_000, pings[1]["facts"]) == (30, {"items": 20, "cost": 1.5})
    assert api("GET", f"{at}/pings/5/body")[1] == {"body": "out of <memory>", "size": 15, "note": ""}
    assert api("GET", f"{at}/pings/99/body")[0] == 404
    address = api("GET", at)[1]["ping_url"]
    shown = {one["name"]: one["text"] for one in api("GET", f"{at}/snippets")[1]["results"]}
    assert shown.keys() == SNIPPETS.keys()
    assert all(address in text for text in shown.values())


def test_the_team_s_keys_are_shown_and_making_by_slug_is_switched_on(api: Api) -> None:
    code, keys = api("GET", "/keys")
    assert (code, keys["creates"], len(keys["key"])) == (200, False, 22)
    assert api("PATCH", "/keys", {"creates": True, "key": "x"})[0] == 400
    assert api("PATCH", "/keys", {"creates": True})[1] == {**keys, "creates": True}


def test_nobody_else_sees_or_changes_a_heartbeat(api: Api) -> None:
    row = job()
    other = Api(Team.objects.create(name="Other", slug="other"), under="heartbeats")
    at = f"/{row.monitor.public_id}"
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate"), ("GET", "/pings")):
        assert other(method, at + path, {} if method == "PATCH" else None)[0] == 404
    assert Api(default_team(), Scope.READ, under="heartbeats")("POST", "", {"name": "x"})[0] == 403
    assert other("GET", "")[1]["results"] == []


def test_the_page_of_a_heartbeat_shows_charts_pings_and_snippets_and_escapes_what_jobs_say() -> None:
    row = worked()
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="only-for-tests-0"))
    page = client.get(f"/admin/heartbeats/heartbeat/{row.pk}/change/")
    text = page.content.decode()
    assert page.status_code == 200
    assert text.count(" runs</title>") == 4
    assert "embed &lt;documents&gt;" in text
    assert "<documents>" not in text
    assert f"/ping/{row.code}" in text
    assert "vigil-ping" in text
    assert all("style=" not in one.svg for one in overview.charts(row))
    ping = client.get(f"/admin/heartbeats/storedping/{row.history.get(n=5).pk}/change/").content.decode()
    assert "out of &lt;memory&gt;" in ping
    assert client.get("/admin/heartbeats/heartbeat/").status_code == 200


def test_a_heartbeat_is_made_changed_and_deleted_on_its_page() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="only-for-tests-0"))
    wanted = {
        "name": "Embed", "tags": "", "slug": "", "job": "embeddings", "schedule": "period", "period_s": "1d",
        "time_zone": "UTC", "grace_s": "1m", "budget.max_cost": "3",
    }  # fmt: skip
    made = client.post("/admin/heartbeats/heartbeat/add/", wanted)
    assert made.status_code == 302, made.context["errors"] if made.context else ""
    row = Heartbeat.objects.get()
    assert (row.monitor.name, row.period_s, row.grace_s, row.budget) == ("Embed", 3_600, 1_200, {"max_cost": 3})
    changed = client.post(
        f"/admin/heartbeats/heartbeat/{row.pk}/change/", {**wanted, "name": "Again", "slug": "again", "grace_s": "30s"}
    )
    assert b"between 1 minute and 1 year" in changed.content
    changed = client.post(
        f"/admin/heartbeats/heartbeat/{row.pk}/change/", {**wanted, "name": "Again", "slug": "again", "grace_s": "90s"}
    )
    assert changed.status_code == 302
    row = Heartbeat.objects.select_related("monitor").get()
    assert (row.monitor.name, row.slug, row.grace_s) == ("Again", "again", 90)
    client.post(f"/admin/heartbeats/heartbeat/{row.pk}/delete/", {"post": "yes"})
    row.monitor.refresh_from_db()
    assert row.monitor.deleted_at is not None


def test_charts_show_what_was_told_with_the_limits_and_are_sound_pictures() -> None:
    found = overview.charts(worked())
    assert [one.title for one in found] == ["Duration", "Items", "Tokens", "Cost"]
    for one in found:
        ET.fromstring(one.svg)
    cost = found[-1].svg
    assert cost.count("<rect") == 2
    assert "limit 2" in cost
    odd = chart("<title>", "&", [Bar(0, "</svg><script>", failed=True), Bar(1e15, "x")], limit=0.001)
    assert "<script>" not in odd
    ET.fromstring(odd)
    ET.fromstring(chart("none", "", []))


def badge(path: str) -> tuple[int, bytes]:
    answer = Client().get(path.removeprefix("http://testserver"))
    return answer.status_code, answer.content


def test_every_tag_has_a_badge_whose_address_works(api: Api) -> None:
    job("one", tags=["ai", "night/ly é"])
    found = api("GET", "/badges")[1]["results"]
    assert [one["tag"] for one in found] == ["ai", "night/ly é"]
    for one in found:
        assert badge(one["badges"]["svg"])[0] == 200


def test_badges_show_how_a_heartbeat_and_a_tag_are() -> None:
    row = worked()
    addresses = overview.badge_addresses(row)
    code, picture = badge(addresses["svg"])
    assert code == 200
    assert b"down" in picture
    ET.fromstring(picture)
    assert json.loads(badge(addresses["json"])[1]) == {"label": "embed <documents>", "status": "down", "up": False}
    assert json.loads(badge(addresses["shields"])[1])["message"] == "down"

    key = team_pings(default_team()).badge_key
    job("one", tags=["ai"])
    two = job("two", tags=["ai"])
    apply_entries([logged(call(two, ago(minutes=1)))], nobody)
    tagged = overview.tag_badge_addresses(key, "ai")
    assert json.loads(badge(tagged["json"])[1])["status"] == "up"
    apply_entries([logged(call(two, ago(), PingKind.FAIL))], nobody)
    assert json.loads(badge(tagged["json"])[1])["status"] == "down"


def test_t_sec_06_a_badge_that_is_guessed_is_not_there() -> None:
    row = job(tags=["ai"])
    key = team_pings(default_team()).badge_key
    good = overview.tag_badge_addresses(key, "ai")["svg"]
    signature = good.split("/")[-2]
    wrong = [
        f"/badge/{row.code}.svg",
        f"/badge/{row.slug}.svg",
        f"/badge/{'a' * 22}.svg",
        f"/badge/{row.badge_code}.html",
        good.replace("/ai.svg", "/other.svg"),
        good.replace(signature, "0" * 32),
        good.replace(key, "b" * 22),
    ]
    assert [badge(path)[0] for path in wrong] == [404] * len(wrong)
    old = overview.badge_addresses(row)["svg"]
    rotate_address(row)
    assert badge(old)[0] == 404


def test_badges_are_drawn_soundly_and_the_worst_of_a_tag_counts() -> None:
    ET.fromstring(as_svg(Badge("<script>&" * 20, "late")))
    assert worst_of(["up", "late", "new"]) == "late"
    assert worst_of(["degraded", "down"]) == "down"
    assert worst_of([]) == "new"
    paused = set_paused(job(), True)
    assert overview.status_shown(paused) == "paused"

"""The API: who may do what, what is refused, and that no team sees another's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from django.test import Client

from consensus.verdicts import Quarantine
from consensus.vocabulary import Exclusion
from tests.signed import hold_quarantines
from tests.vigil.api.caller import Api
from vigil.accounts.models import Membership, Role, Scope, Team, User
from vigil.accounts.teams import default_team
from vigil.incidents.models import Incident, Transition
from vigil.monitors.changes import create_monitor
from vigil.monitors.live.results import redis_client, region_client
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db
HTTP: dict[str, Any] = {"name": "m", "kind": "http", "config": {"url": "https://example.com/health"}}
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def api() -> Api:
    return Api(default_team(), Scope.READ, Scope.WRITE)


@pytest.fixture
def foreign() -> Team:
    return Team.objects.create(name="Other", slug="other")


PATHS = ["monitors", "composites", "regions", "incidents", "channels", "deliveries"]


@pytest.mark.parametrize("path", PATHS)
def test_nobody_reads_without_a_token(client: Client, path: str) -> None:
    assert client.get(f"/api/v1/{path}").status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_token_is_refused(client: Client, path: str) -> None:
    answer = client.get(f"/api/v1/{path}", headers={"authorization": "Bearer vgl_a_b"})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", PATHS)
def test_a_token_reads_every_list(api: Api, path: str) -> None:
    assert api("GET", path)[0] == 200


def test_a_monitor_is_created_changed_paused_and_deleted(api: Api) -> None:
    Region.objects.create(slug="eu", domain="a")
    status, made = api("POST", "monitors", {**HTTP, "regions": ["eu"], "secrets": {"bearer": "hush"}})
    assert status == 201, made
    assert made["secret_names"] == ["bearer"] and "secrets" not in made and "hush" not in str(made)
    assert made["warnings"] == ["One region: no other confirms its results."]
    path = f"monitors/{made['id']}"
    assert api("PATCH", path, {"interval_s": 30})[1]["revision"] == 2
    assert api("GET", path)[1]["interval_s"] == 30
    assert api("POST", f"{path}/pause")[1]["paused"] is True
    assert api("POST", f"{path}/resume")[1]["paused"] is False
    assert api("DELETE", path)[0] == 204
    assert api("GET", path)[0] == 404
    assert Monitor.objects.get().deleted_at is not None


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"config": {"url": "nonsense"}}, "config"),
        ({"interval_s": 1}, "interval_s"),
        ({"interval_s": 5, "timeout_ms": 6000}, "timeout_ms"),
        ({"regions": ["nowhere"]}, "regions"),
        ({"tags": [""]}, "tags"),
        ({"secrets": {"unheard-of": "x"}}, "secrets"),
        ({"kind": "carrier-pigeon"}, "kind"),
    ],
)
def test_bad_input_is_answered_by_field(api: Api, wanted: dict[str, Any], field: str) -> None:
    status, answer = api("POST", "monitors", {**HTTP, **wanted})
    assert status == 400
    assert field in answer, answer


def test_a_name_twice_is_a_409(api: Api) -> None:
    assert api("POST", "monitors", HTTP)[0] == 201
    assert api("POST", "monitors", HTTP) == (409, {"name": ["A monitor of this name is already there."]})


def test_broken_json_is_a_400(api: Api) -> None:
    answer = api.client.post(
        "/api/v1/monitors", b"{", content_type="application/json", headers={"authorization": f"Bearer {api.plain}"}
    )
    assert answer.status_code == 400


def test_what_belongs_to_another_team_is_not_there(api: Api, foreign: Team) -> None:
    monitor = create_monitor(foreign, HTTP)
    incident = Incident.objects.create(
        team=foreign, monitor=monitor, kind="outage", title="x", started_at=NOW, opened_at=NOW
    )
    path = f"monitors/{monitor.public_id}"
    for method, where in [
        ("GET", path), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/pause"), ("POST", f"{path}/resume"),
        ("GET", f"{path}/state"), ("GET", f"{path}/latest"), ("GET", f"incidents/{incident.public_id}"),
    ]:  # fmt: skip
        assert api(method, where, {} if method == "PATCH" else None)[0] == 404, (method, where)
    assert api("GET", "monitors")[1]["results"] == []
    assert api("GET", "incidents")[1]["results"] == []


def test_a_token_to_read_changes_nothing() -> None:
    reader = Api(default_team(), Scope.READ)
    monitor = create_monitor(default_team(), HTTP)
    path = f"monitors/{monitor.public_id}"
    assert reader("GET", path)[0] == 200
    for method, where in [("POST", "monitors"), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/pause")]:
        assert reader(method, where, HTTP)[0] == 403


def test_a_viewer_changes_nothing_even_with_a_token_to_write() -> None:
    user = User.objects.create(username="v")
    Membership.objects.create(user=user, team=default_team(), role=Role.VIEWER)
    viewer = Api(default_team(), Scope.READ, Scope.WRITE, user=user)
    assert viewer("GET", "monitors")[0] == 200
    assert viewer("POST", "monitors", HTTP)[0] == 403


def test_a_region_in_quarantine_says_why(api: Api, redis_url: str) -> None:
    Region.objects.create(slug="eu", domain="aws")
    Region.objects.create(slug="us", domain="aws")
    held = Quarantine(1, "eu", 1_700_000_000_000, Exclusion.SICK, "It fails alone.")
    redis_client.cache_clear()
    region_client.cache_clear()
    with redis.Redis.from_url(redis_url) as client:
        hold_quarantines(client, held)

    regions = api("GET", "regions")[1]["results"]
    assert {region["slug"]: region["quarantine"] for region in regions} == {"eu": "It fails alone.", "us": None}


def test_only_staff_enrols_regions(api: Api) -> None:
    wanted = {"slug": "eu", "domain": "aws"}
    assert api("POST", "regions", wanted)[0] == 403
    user = User.objects.create(username="s", is_staff=True)
    Membership.objects.create(user=user, team=default_team(), role=Role.OWNER)
    staff = Api(default_team(), Scope.READ, Scope.WRITE, user=user)
    status, made = staff("POST", "regions", wanted)
    assert status == 201, made
    assert made["alive"] in (False, None)
    assert staff("PATCH", "regions/eu", {"slug": "us"})[0] == 400
    assert staff("PATCH", "regions/eu", {"slug": "eu", "enabled": False})[1]["enabled"] is False
    assert staff("POST", "regions", {"slug": "No Good", "domain": "aws"})[0] == 400


def test_an_incident_shows_its_steps_and_votes(api: Api) -> None:
    monitor = create_monitor(default_team(), HTTP)
    incident = Incident.objects.create(
        team=default_team(), monitor=monitor, kind="outage", title="m is down", started_at=NOW, opened_at=NOW
    )
    votes = [{"region": "eu", "status": "down"}]
    Transition.objects.create(
        incident=incident, seq=1, step="opened", reason="confirmed", at=NOW, evidence={"votes": votes}
    )
    shown = api("GET", f"incidents/{incident.public_id}")[1]
    assert shown["monitor"] == monitor.public_id
    assert shown["transitions"][0]["evidence"]["votes"] == votes
    assert len(api("GET", "incidents?open=true")[1]["results"]) == 1
    assert api("GET", "incidents?open=false")[1]["results"] == []
    assert api("GET", "incidents?kind=nonsense")[0] == 400


def test_state_and_latest_are_there_before_anything_was_seen(api: Api) -> None:
    region = Region.objects.create(slug="eu", domain="a")
    monitor = create_monitor(default_team(), {**HTTP, "regions": [region]})
    assert api("GET", f"monitors/{monitor.public_id}/state")[1]["status"] == "unknown"
    latest = api("GET", f"monitors/{monitor.public_id}/latest")[1]
    assert [row["region"] for row in latest["results"]] == ["eu"]


def test_lists_are_paged_up_to_a_limit(api: Api) -> None:
    team = default_team()
    Monitor.objects.bulk_create(Monitor(team=team, name=f"m{n}", kind="http") for n in range(205))
    assert [api("GET", f"monitors?limit={most}")[0] for most in (1000, 201, 0, -5, "abc")] == [400] * 5
    page = api("GET", "monitors?limit=200")[1]
    assert len(page["results"]) == 200
    rest = api("GET", page["next"].split("/api/v1/")[1])[1]
    assert len(rest["results"]) == 5 and rest["next"] is None


def test_filters_narrow_a_list(api: Api) -> None:
    create_monitor(default_team(), {**HTTP, "tags": ["pay"]})
    assert len(api("GET", "monitors?tag=pay&kind=http")[1]["results"]) == 1
    assert api("GET", "monitors?tag=web")[1]["results"] == []


def test_a_channel_never_shows_its_secrets(api: Api) -> None:
    wanted = {"name": "s", "kind": "slack", "secrets": {"url": "https://hooks.test/hush"}}
    status, made = api("POST", "channels", wanted)
    assert status == 201, made
    assert made["secret_names"] == ["url"] and "hush" not in str(made)
    status, refused = api("POST", "channels", {"name": "w", "kind": "webhook", "config": {"url": "no"}})
    assert (status, list(refused)) == (400, ["config"])


def test_the_schema_is_for_people_who_are_signed_in(client: Client, api: Api) -> None:
    assert client.get("/api/schema/").status_code == 401
    answer = api.client.get("/api/schema/", headers={"authorization": f"Bearer {api.plain}"})
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "/api/v1/monitors/{public_id}/pause" in text
    assert "scheme: bearer" in text


def test_a_monitor_names_what_it_depends_on(api: Api, foreign: Team) -> None:
    parent = api("POST", "monitors", {**HTTP, "name": "gateway"})[1]["id"]
    made = api("POST", "monitors", {**HTTP, "name": "behind", "parents": [parent]})[1]
    assert made["parents"] == [parent]
    assert api("PATCH", f"monitors/{parent}", {"parents": [made["id"]]})[0] == 400
    assert api("PATCH", f"monitors/{made['id']}", {"name": "still behind"})[1]["parents"] == [parent]
    assert api("PATCH", f"monitors/{made['id']}", {"parents": []})[1]["parents"] == []
    theirs = create_monitor(foreign, {**HTTP, "name": "theirs"}).public_id
    refused = {"parents": [f"There is no monitor {theirs}."]}
    assert api("PATCH", f"monitors/{made['id']}", {"parents": [theirs]}) == (400, refused)

"""What the command line and the admin do, over the API: regions, clones, self-tests, the installation's health."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import TestCase

from tests.vigil.api.caller import Api
from vigil.accounts.models import Membership, Role, Scope, Team, User
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel
from vigil.enrolment.core.commands import FORMS
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db

HTTP: dict[str, Any] = {"name": "shop", "kind": "http", "config": {"url": "https://shop.test/"}}


@pytest.fixture
def staff() -> Api:
    user = User.objects.create(username="s", is_staff=True)
    Membership.objects.create(user=user, team=default_team(), role=Role.OWNER)
    return Api(default_team(), Scope.WRITE, user=user)


def test_a_region_is_added_with_commands_that_are_shown_once(staff: Api, redis_url: str) -> None:
    wanted = {"slug": "eu-west", "domain": "aws", "egress": "private"}
    code, made = staff("POST", "regions", wanted)
    assert code == 201
    shown = made["enrolment"]
    assert set(shown["commands"]) == set(FORMS) and "VIGIL_EGRESS=private" in shown["commands"]["docker"]
    assert (shown["redis_user"], shown["redis_line"]) == ("worker-eu-west", "")
    assert "enrolment" not in staff("GET", "regions/eu-west")[1]
    assert staff("POST", "regions", wanted)[0] in (400, 409)
    _, again = staff("POST", "regions/eu-west/rekey")
    assert again["enrolment"]["commands"] != shown["commands"]
    assert "is sent no checks" not in again["enrolment"]["advice"]
    staff("POST", "regions/eu-west/drain")
    assert "is sent no checks until" in staff("POST", "regions/eu-west/rekey")[1]["enrolment"]["advice"]
    enrolling = Api(default_team(), Scope.ENROL)
    assert enrolling("POST", "regions", {**wanted, "slug": "us"})[0] == 201
    assert enrolling("POST", "regions/us/rekey")[0] == 403


def test_a_region_is_drained_revoked_and_deleted_and_its_monitors_are_named_first(staff: Api, redis_url: str) -> None:
    region = Region.objects.create(slug="eu", domain="aws", public_key=b"k" * 32)
    monitor = create_monitor(default_team(), {**HTTP, "regions": [region]})
    assert staff("POST", "regions/eu/drain")[1]["enabled"] is False
    assert Region.objects.get().public_key is not None
    assert staff("POST", "regions/eu/revoke")[0] == 200
    assert Region.objects.get().public_key is None
    code, problem = staff("DELETE", "regions/eu")
    assert (code, monitor.public_id in str(problem)) == (409, True)
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert staff("DELETE", "regions/eu?force=true")[0] == 204
    assert not Region.objects.exists()
    member = Api(default_team())
    assert member("POST", "regions/eu/drain")[0] == 403


def test_a_clone_has_the_settings_and_secrets_and_another_name(staff: Api) -> None:
    region = Region.objects.create(slug="eu", domain="aws")
    parent = create_monitor(default_team(), {**HTTP, "name": "gateway", "regions": []})
    fields = {**HTTP, "secrets": {"bearer": "hush"}, "tags": ["a"], "regions": ["eu"], "parents": [parent.public_id]}
    _, first = staff("POST", "monitors", fields)
    code, copy = staff("POST", f"monitors/{first['id']}/clone", {"name": "shop 2"})
    assert code == 201
    same = ("kind", "config", "secret_names", "tags", "regions", "parents", "interval_s", "timeout_ms")
    assert {field: copy[field] for field in same} == {field: first[field] for field in same}
    assert dict(Monitor.objects.get(public_id=copy["id"]).secrets) == {"bearer": "hush"}
    assert staff("POST", f"monitors/{first['id']}/clone", {"name": "shop"})[0] in (400, 409)
    _, beat = staff("POST", "heartbeats", {"name": "backup"})
    assert staff("POST", f"monitors/{beat['id']}/clone", {"name": "backup 2"})[0] == 400
    stranger = Api(Team.objects.create(name="b", slug="b"))
    assert stranger("POST", f"monitors/{first['id']}/clone", {"name": "mine"})[0] == 404
    assert region.monitors.count() == 2


def test_a_self_test_begins_now_and_one_at_a_time(staff: Api) -> None:
    assert staff("POST", "self-tests")[0] == 409
    Channel.objects.create(
        team=default_team(), name="ops", kind="webhook", config={"url": "https://x.test"}, self_test_minutes=60
    )
    code, begun = staff("POST", "self-tests")
    assert code == 201
    assert [row["name"] for row in begun["proof"]] == ["ops"]
    assert staff("POST", "self-tests")[0] == 409


def test_staff_reads_what_doctor_finds_and_others_do_not(staff: Api, redis_url: str) -> None:
    code, health = staff("GET", "health")
    assert (code, health["worst"]) == (200, "problem")
    assert {"channels", "regions", "gaps"} <= {row["check"] for row in health["findings"]}
    assert Api(default_team())("GET", "health")[0] == 403

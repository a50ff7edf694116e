"""S19: who may only read sees no address or key that acts when it is called."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from tests.vigil.api.caller import Api
from vigil.accounts.models import Membership, Role, Scope, User
from vigil.accounts.teams import default_team
from vigil.heartbeats.changes import create_heartbeat, team_pings
from vigil.heartbeats.models import Heartbeat

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> Heartbeat:
    return create_heartbeat(default_team(), {"name": "nightly", "tags": ["night"]})


def viewer() -> Api:
    user = User.objects.create_user("eve", password="fake-password-of-eve")
    Membership.objects.create(user=user, team=default_team(), role=Role.VIEWER)
    return Api(default_team(), user=user)


@pytest.mark.parametrize("reader", [lambda: Api(default_team(), Scope.READ), viewer])
def test_s19_a_reader_sees_no_address_and_no_key(row: Heartbeat, reader: Callable[[], Api]) -> None:
    api, keys = reader(), team_pings(row.team)
    secret = [str(row.code), row.badge_code, keys.key, keys.badge_key]
    name = row.monitor.public_id
    for path in ("heartbeats", f"heartbeats/{name}", f"heartbeats/{name}/pings", f"monitors/{name}", "monitors"):
        status, answer = api("GET", path)
        assert status == 200 and not any(one in str(answer) for one in secret), path
    for path in (f"heartbeats/{name}/snippets", "heartbeats/badges", "heartbeats/keys"):
        assert api("GET", path)[0] == 403, path
    assert api("POST", "heartbeats/keys/rotate", {"which": "key"})[0] == 403


def test_s19_a_writer_sees_them(row: Heartbeat) -> None:
    api = Api(default_team())
    shown = api("GET", f"heartbeats/{row.monitor.public_id}")[1]
    assert shown["ping_url"].endswith(str(row.code)) and row.badge_code in shown["badges"]["svg"]
    assert api("GET", f"heartbeats/{row.monitor.public_id}/snippets")[0] == 200
    assert api("GET", "heartbeats/keys")[1]["key"] == team_pings(row.team).key


@pytest.mark.parametrize(("which", "other"), [("key", "badge_key"), ("badge_key", "key")])
def test_s19_a_key_of_the_team_is_rotated(row: Heartbeat, which: str, other: str) -> None:
    api = Api(default_team())
    before = api("GET", "heartbeats/keys")[1]
    status, after = api("POST", "heartbeats/keys/rotate", {"which": which})
    assert status == 200 and after[which] != before[which] and after[other] == before[other]
    assert api("GET", "heartbeats/keys")[1] == after
    assert api("POST", "heartbeats/keys/rotate", {"which": "nothing"})[0] == 400


def test_s19_staff_that_may_only_look_sees_no_address_in_the_admin(client: Client, row: Heartbeat) -> None:
    staff = User.objects.create_user("eve", password="fake-password-of-eve", is_staff=True)
    for name in ("view_heartbeat", "view_teampings"):
        staff.user_permissions.add(Permission.objects.get(codename=name))
    client.force_login(staff)
    keys = team_pings(row.team)
    pages = [f"/admin/heartbeats/heartbeat/{row.pk}/change/", f"/admin/heartbeats/teampings/{keys.pk}/change/"]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200
        assert not any(one in answer.content.decode() for one in (str(row.code), row.badge_code, keys.key))
    code = row.code
    client.post("/admin/heartbeats/heartbeat/", {"action": "rotate", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.code == code


def test_s19_the_admin_rotates_the_keys_of_a_team(admin_client: Client, row: Heartbeat) -> None:
    before = team_pings(row.team)
    admin_client.post("/admin/heartbeats/teampings/", {"action": "rotate_key", "_selected_action": [before.pk]})
    after = team_pings(row.team)
    assert after.key != before.key and after.badge_key == before.badge_key

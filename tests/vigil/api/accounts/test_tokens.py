"""Tokens over the API: shown once, never with more than their issuer's rights, rotated with an overlap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.vigil.api.caller import Api
from vigil.accounts.models import ApiToken, Membership, Role, Scope, Team, User
from vigil.accounts.teams import default_team
from vigil.accounts.tokens import TOKENS_MOST, issue_token
from vigil.clock import database_wall_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return default_team()


def person(team: Team, name: str, role: Role = Role.MEMBER, **fields: Any) -> User:
    user = User.objects.create_user(name, **fields)
    Membership.objects.create(user=user, team=team, role=role)
    return user


def using(plain: str) -> Callable[..., int]:
    client = Client(headers={"authorization": f"Bearer {plain}"})
    return lambda method, path: client.generic(method, f"/api/v1/{path}").status_code


def test_a_token_is_shown_once_and_has_no_more_rights_than_its_issuer(team: Team) -> None:
    ann = person(team, "ann")
    api = Api(team, Scope.WRITE, user=ann)
    code, made = api("POST", "tokens", {"name": "ci", "scopes": ["read", "respond"], "days": 10})
    assert (code, made["scopes"], made["person"]) == (201, ["read", "respond"], "ann")
    assert made["secret"].startswith(made["token"] + "_")
    assert using(made["secret"])("GET", "monitors") == 200
    assert "secret" not in api("GET", f"tokens/{made['id']}")[1]
    assert api("POST", "tokens", {"name": "r", "scopes": ["enrol"]})[0] == 400

    reader = Api(team, Scope.READ, user=ann)
    assert reader("POST", "tokens", {"name": "more"})[0] == 403
    of_team = Api(team)
    assert of_team("POST", "tokens", {"name": "more"})[0] == 403
    assert [row["name"] for row in of_team("GET", "tokens")[1]["results"]] == ["t"]
    assert api("DELETE", f"tokens/{made['id']}")[0] == 204
    assert using(made["secret"])("GET", "monitors") == 401


def test_a_token_does_not_outlive_the_one_that_issued_it(team: Team) -> None:
    api = Api(team, Scope.WRITE, user=person(team, "ann"))
    ApiToken.objects.update(expires_at=database_wall_now() + timedelta(days=5))
    assert api("POST", "tokens", {"name": "long", "days": 6})[0] == 400
    usual = api("POST", "tokens", {"name": "usual"})[1]["id"]
    assert ApiToken.objects.get(public_id=usual).expires_at == ApiToken.objects.get(name="t").expires_at
    code, made = api("POST", "tokens", {"name": "short", "days": 4})
    assert code == 201
    ApiToken.objects.filter(name="short").update(created_at=database_wall_now() - timedelta(days=300))
    code, rotated = api("POST", f"tokens/{made['id']}/rotate", {})
    assert code == 201
    assert ApiToken.objects.get(public_id=rotated["id"]).expires_at == ApiToken.objects.get(name="t").expires_at


def test_a_rotation_gives_the_same_rights_and_lets_both_work_for_the_overlap(team: Team) -> None:
    api = Api(team, Scope.WRITE, user=person(team, "ann"))
    _, old = api("POST", "tokens", {"name": "ci", "scopes": ["ping"]})
    code, new = api("POST", f"tokens/{old['id']}/rotate", {"overlap_s": 600})
    assert (code, new["scopes"], new["replaces"]) == (201, ["ping"], old["id"])
    assert (using(old["secret"])("GET", "me"), using(new["secret"])("GET", "me")) == (200, 200)
    left = ApiToken.objects.get(public_id=old["id"]).expires_at or database_wall_now()
    assert timedelta(minutes=9) < left - database_wall_now() <= timedelta(minutes=10)
    _, last = api("POST", f"tokens/{new['id']}/rotate", {"overlap_s": 0})
    assert (using(new["secret"])("GET", "me"), using(last["secret"])("GET", "me")) == (401, 200)


def test_owners_see_and_revoke_every_token_and_rotate_only_their_own_and_the_teams(team: Team) -> None:
    member, owner = Api(team, Scope.WRITE, user=person(team, "ann")), Api(team, user=person(team, "bo", Role.OWNER))
    shared, _ = issue_token(team, "shared", [Scope.READ])
    _, theirs = member("POST", "tokens", {"name": "theirs"})
    assert len(owner("GET", "tokens")[1]["results"]) == 4
    assert {row["person"] for row in member("GET", "tokens")[1]["results"]} == {"ann"}
    assert member("DELETE", f"tokens/{shared.public_id}")[0] == 404
    assert owner("POST", f"tokens/{theirs['id']}/rotate", {})[0] == 403
    assert owner("POST", f"tokens/{shared.public_id}/rotate", {})[0] == 201
    assert owner("DELETE", f"tokens/{theirs['id']}")[0] == 204
    stranger = Team.objects.create(name="b", slug="b")
    outside = Api(stranger, user=person(stranger, "eve", Role.OWNER))
    assert outside("DELETE", f"tokens/{shared.public_id}")[0] == 404


def test_a_team_has_so_many_tokens_and_those_that_ended_long_ago_make_room(team: Team) -> None:
    api = Api(team, Scope.WRITE, user=person(team, "ann"))
    rows = [ApiToken(team=team, name="n", prefix=f"p{n}", sha256="") for n in range(TOKENS_MOST - 1)]
    ApiToken.objects.bulk_create(rows)
    assert api("POST", "tokens", {"name": "one too many"})[0] == 400
    ApiToken.objects.filter(prefix="p0").update(expires_at=database_wall_now() - timedelta(days=31))
    assert api("POST", "tokens", {"name": "fits"})[0] == 201


def test_every_token_may_ask_who_it_is_and_a_viewer_learns_that_it_reads(team: Team) -> None:
    code, me = Api(team, Scope.PING)("GET", "me")
    assert (code, me["role"], me["scopes"], me["token"]["name"]) == (200, None, ["ping"], "t")
    _, viewer = Api(team, user=person(team, "vi", Role.VIEWER))("GET", "me")
    assert (viewer["name"], viewer["role"], viewer["scopes"]) == ("vi", "viewer", ["read"])
    assert viewer["team"]["id"] == team.public_id
    api = Api(team, Scope.READ)
    assert [row["name"] for row in api("GET", "members")[1]["results"]] == ["vi"]
    assert [row["slug"] for row in api("GET", "teams")[1]["results"]] == ["default"]


def test_a_token_is_rotated_once_until_its_successor_is_revoked(team: Team) -> None:
    api = Api(team, Scope.WRITE, user=person(team, "ann"))
    _, old = api("POST", "tokens", {"name": "ci"})
    _, new = api("POST", f"tokens/{old['id']}/rotate", {})
    again = api.problem("POST", f"tokens/{old['id']}/rotate", {})
    assert (again["status"], again["code"]) == (409, "conflict")
    assert new["id"] in again["detail"] and "revoke" in again["detail"]
    assert ApiToken.objects.filter(name="ci").count() == 2
    assert api("DELETE", f"tokens/{new['id']}")[0] == 204
    assert api("POST", f"tokens/{old['id']}/rotate", {})[0] == 201

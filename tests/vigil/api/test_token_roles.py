"""S11: a token acts with the person's role in its own team, and ends with the membership."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.vigil.api.caller import Api
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import ApiToken, LoginLink, Membership, Role, Scope, Team, User
from vigil.accounts.teams import default_team

pytestmark = pytest.mark.django_db
HTTP: dict[str, Any] = {"name": "m", "kind": "http", "config": {"url": "https://example.com/health"}}


@pytest.fixture
def a() -> Team:
    return default_team()


@pytest.fixture
def b() -> Team:
    return Team.objects.create(name="B", slug="b")


@pytest.fixture
def person() -> User:
    return User.objects.create_user("ann", password="first-password-of-ann")


def test_s11_a_viewer_of_a_who_owns_b_reads_a_and_does_not_write_it(person: User, a: Team, b: Team) -> None:
    Membership.objects.create(user=person, team=b, role=Role.OWNER)
    Membership.objects.create(user=person, team=a, role=Role.VIEWER)
    api = Api(a, user=person)
    assert api("GET", "monitors")[0] == 200
    assert api("POST", "monitors", HTTP)[0] == 403
    assert Api(b, user=person)("POST", "monitors", HTTP)[0] == 201


def test_s11_a_member_of_a_who_first_was_a_viewer_of_b_writes_a(person: User, a: Team, b: Team) -> None:
    Membership.objects.create(user=person, team=b, role=Role.VIEWER)
    Membership.objects.create(user=person, team=a, role=Role.MEMBER)
    assert Api(a, user=person)("POST", "monitors", HTTP)[0] == 201
    assert Api(b, user=person)("POST", "monitors", HTTP)[0] == 403


@pytest.mark.parametrize("elsewhere", [True, False])
def test_s11_a_token_of_a_person_who_left_reads_and_writes_nothing(
    person: User, a: Team, b: Team, elsewhere: bool
) -> None:
    ended = Membership.objects.create(user=person, team=a, role=Role.OWNER)
    if elsewhere:
        Membership.objects.create(user=person, team=b, role=Role.OWNER)
    api = Api(a, user=person)
    ended.delete()
    assert api("GET", "monitors")[0] == 401
    assert api("POST", "monitors", HTTP)[0] == 401


def test_s11_a_membership_given_again_does_not_revive_the_token(person: User, a: Team) -> None:
    ended = Membership.objects.create(user=person, team=a, role=Role.OWNER)
    api = Api(a, user=person)
    Membership.objects.filter(pk=ended.pk).delete()
    Membership.objects.create(user=person, team=a, role=Role.OWNER)
    assert api("GET", "monitors")[0] == 401


def test_s11_a_membership_moved_to_another_team_ends_the_token(person: User, a: Team, b: Team) -> None:
    moved = Membership.objects.create(user=person, team=a, role=Role.OWNER)
    api = Api(a, user=person)
    moved.team = b
    moved.save()
    assert not ApiToken.objects.exists()
    assert api("GET", "monitors")[0] == 401


def test_s11_a_token_of_a_person_who_never_was_a_member_is_refused(person: User, a: Team) -> None:
    assert Api(a, user=person)("GET", "monitors")[0] == 401


def test_s11_deactivating_a_person_ends_their_tokens_for_good(person: User, a: Team) -> None:
    Membership.objects.create(user=person, team=a)
    api = Api(a, user=person)
    User.objects.filter(pk=person.pk).update(is_active=False)
    User.objects.filter(pk=person.pk).update(is_active=True)
    assert api("GET", "monitors")[0] == 401


def test_s11_a_role_that_changes_changes_what_the_token_may_do(person: User, a: Team) -> None:
    membership = Membership.objects.create(user=person, team=a, role=Role.MEMBER)
    api = Api(a, user=person)
    Membership.objects.filter(pk=membership.pk).update(role=Role.VIEWER)
    assert (api("GET", "monitors")[0], api("POST", "monitors", HTTP)[0]) == (200, 403)


def test_s11_a_new_password_ends_the_persons_tokens_and_not_the_teams(person: User, a: Team) -> None:
    Membership.objects.create(user=person, team=a)
    theirs, shared = Api(a, user=person), Api(a)
    LoginLink.objects.create(user=person, sha256="0" * 64, expires_at="2100-01-01T00:00Z")
    person.set_password("second-password-of-ann")
    person.save()
    assert (theirs("GET", "monitors")[0], shared("GET", "monitors")[0]) == (401, 200)
    assert not LoginLink.objects.exists()


def test_s11_a_login_that_renews_the_hash_keeps_the_tokens(person: User, a: Team) -> None:
    Membership.objects.create(user=person, team=a)
    api = Api(a, user=person)
    person.password = PBKDF2PasswordHasher().encode("old-password-of-ann", "salt", iterations=1)
    person.save()
    assert authenticate(username="ann", password="old-password-of-ann") == person
    assert User.objects.get().password != person.password
    assert api("GET", "monitors")[0] == 200


def test_s11_the_role_of_a_token_costs_no_query_per_row(person: User, a: Team, django_assert_num_queries: Any) -> None:
    Membership.objects.create(user=person, team=a)
    theirs, shared = Api(a, user=person), Api(a)
    theirs("GET", "monitors"), shared("GET", "monitors")
    with CaptureQueriesContext(connection) as without_person:
        shared("GET", "monitors")
    with django_assert_num_queries(len(without_person)):
        theirs("GET", "monitors")


def test_s11_the_admin_issues_no_token_for_a_person_outside_the_team(client: Client, person: User, a: Team) -> None:
    client.force_login(ensure_first_admin())
    form = {"team": a.pk, "user": person.pk, "name": "t", "scopes": [Scope.READ.value]}
    answer = client.post("/admin/accounts/apitoken/add/", form)
    assert answer.status_code == 200 and "not a member of the team" in answer.content.decode()
    assert not ApiToken.objects.exists()

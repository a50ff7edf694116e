"""Rights of staff who are no superusers: they give none, take none over, and no text that they send costs much."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.vigil.web.admin.browsing import as_sent
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import User
from vigil.web.admin.lists.pages import WORDS_MOST

pytestmark = pytest.mark.django_db
MONITORS = "admin:monitors_monitor_changelist"


@pytest.fixture
def clerk(client: Client) -> User:
    """Staff that may change people and groups, signed in."""
    found = User.objects.create(username="clerk", is_staff=True)
    rights = [f"{verb}_{name}" for verb in ("view", "add", "change", "delete") for name in ("user", "group")]
    found.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    client.force_login(found)
    return found


def change(person: User) -> str:
    return reverse("admin:accounts_user_change", args=[person.pk])


def test_who_may_change_people_gives_nobody_rights(client: Client, clerk: User) -> None:
    guest = User.objects.create(username="guest")
    for person in (guest, clerk):
        page = change(person)
        sent: dict[str, Any] = as_sent(client, page, is_superuser="on", is_staff="on", email="new@example.test")
        sent |= {"user_permissions": [one.pk for one in Permission.objects.all()[:3]]}
        sent |= {"date_joined_0": "2030-01-01", "date_joined_1": "00:00:00"}
        answer: Any = client.post(page, sent)
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        person.refresh_from_db()
        assert (person.email, person.is_superuser) == ("new@example.test", False)
    assert not guest.is_staff and not guest.user_permissions.exists()
    assert clerk.user_permissions.count() == 8


def test_who_may_change_people_takes_over_nobody_with_rights(client: Client, clerk: User) -> None:
    boss, other = ensure_first_admin(), User.objects.create(username="other", is_staff=True)
    for person in (boss, other):
        password = reverse("admin:auth_user_password_change", args=[person.pk])
        assert client.get(password).status_code == 403
        assert client.post(change(person), {"username": "mine"}).status_code == 403
        assert client.post(reverse("admin:accounts_user_delete", args=[person.pk]), {"post": "yes"}).status_code == 403
    listed = reverse("admin:accounts_user_changelist")
    client.post(listed, {"action": "delete_selected", "_selected_action": [boss.pk, other.pk], "post": "yes"})
    assert User.objects.filter(username__in=(boss.username, "other")).count() == 2
    group = Group.objects.create(name="all")
    page = reverse("admin:auth_group_change", args=[group.pk])
    assert client.get(page).status_code == 200 and client.post(page, {"name": "x"}).status_code == 403


@pytest.mark.parametrize("chosen", ["abc", "\x00", "9" * 30])
def test_rows_that_cannot_be_are_refused(client: Client, chosen: str) -> None:
    client.force_login(ensure_first_admin())
    sent = {"action": "delete_selected", "_selected_action": [chosen]}
    assert client.post(reverse(MONITORS), sent, follow=True).status_code in (200, 400)


def test_a_search_looks_for_a_few_words(client: Client) -> None:
    client.force_login(ensure_first_admin())
    with CaptureQueriesContext(connection) as asked:
        assert client.get(reverse(MONITORS), {"q": "a " * 5_000}).status_code == 200
    assert max(one["sql"].count("LIKE") for one in asked.captured_queries) <= 4 * WORDS_MOST

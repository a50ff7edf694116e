"""The frame of pages: signing in, teams, the style page, and pages for errors."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from vigil.accounts.login import create_login_link, ensure_first_admin
from vigil.accounts.models import Membership, Role, User
from vigil.accounts.teams import default_team
from vigil.guess_limits import PASSWORDS
from vigil.web.pages import overview

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


def member(name: str, role: Role) -> User:
    user = User.objects.create_user(name, password="a long enough secret")
    Membership.objects.create(user=user, team=default_team(), role=role)
    return user


def test_a_person_signs_in_at_a_page_of_our_own_and_lands_where_they_wanted(client: Client) -> None:
    member("ann", Role.MEMBER)
    PASSWORDS.forget()
    asked = client.get("/more")
    assert asked["Location"] == "/sign-in?next=/more"
    page = client.get(asked["Location"])
    assert 'autocomplete="current-password"' in page.content.decode()
    wrong = client.post("/sign-in", {"username": "ann", "password": "guess", "next": "/more"})
    assert wrong.status_code == 200 and "The name or the password is wrong" in wrong.content.decode()
    right = client.post("/sign-in", {"username": "ann", "password": "a long enough secret", "next": "/more"})
    assert right.status_code == 302 and right["Location"] == "/more"
    elsewhere = {"username": "ann", "password": "a long enough secret", "next": "https://evil.test/"}
    assert Client().post("/sign-in", elsewhere)["Location"] == "/"


def test_a_login_link_leads_to_the_overview_and_signing_out_ends_the_session(client: Client) -> None:
    link = create_login_link(ensure_first_admin()).removeprefix("http://testserver")
    assert client.get(link).status_code == 200
    assert client.post(link)["Location"] in ("/", "/start")
    assert client.get("/more").status_code == 200
    assert client.post("/sign-out")["Location"] == "/sign-in"
    assert client.get("/more").status_code == 302


def test_a_page_is_private_and_only_for_members_of_a_team(client: Client) -> None:
    client.force_login(User.objects.create_user("stranger"))
    refused = client.get("/more")
    assert refused.status_code == 403 and "You are in no team yet." in refused.content.decode()
    client.force_login(member("vic", Role.VIEWER))
    page = client.get("/more")
    assert "You may read, but not change." in page.content.decode() and "/admin/" not in page.content.decode()
    assert "private" in page["Cache-Control"] and "Cookie" in page["Vary"]
    assert client.get("/style").status_code == 404


def test_the_style_page_shows_every_component(boss: Client) -> None:
    page = boss.get("/style?dir=rtl&lost=1").content.decode()
    for part in ("State mark", "Strip, 90 days", "Latency chart", "Vote table", "Timeline", "Form field", "Toast"):
        assert f"{part}</h2>" in page
    assert 'dir="rtl"' in page and "data-lost" in page and page.count("<h1") == 1
    assert boss.get("/style/latency.json").json()["t"]


def test_the_theme_of_a_device_is_written_on_the_page(boss: Client) -> None:
    boss.cookies["vigil_theme"] = "dark"
    assert 'data-theme="dark"' in boss.get("/more").content.decode()
    boss.cookies["vigil_theme"] = 'x"><script>'
    assert "data-theme=" not in boss.get("/more").content.decode()


def test_error_pages_say_what_is_so_and_query_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.raise_request_exception = False
    with django_assert_num_queries(0):
        missing = client.get("/nowhere")
    assert missing.status_code == 404 and "another team" in missing.content.decode()
    assert "another team" not in client.get("/api/v1/nowhere").content.decode()
    forging = Client(enforce_csrf_checks=True)
    assert "too old" in forging.post("/sign-in", {"username": "ann"}).content.decode()

    def fail(problem: Exception) -> Any:
        def view(*_: object, **__: object) -> None:
            raise problem

        return view

    client.force_login(ensure_first_admin())
    monkeypatch.setattr(overview, "render_page", fail(RuntimeError("a fault")))
    failed = client.get("/")
    assert failed.status_code == 500 and "Watching and alerting go on." in failed.content.decode()
    monkeypatch.setattr(overview, "render_page", fail(OperationalError("gone")))
    away = client.get("/")
    assert away.status_code == 503 and away["Retry-After"] == "10"
    assert "Regions go on looking" in away.content.decode()

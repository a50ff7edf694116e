"""The first administrator, and links that sign in once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client

from vigil.accounts.login import consume_login_link, create_login_link, ensure_first_admin
from vigil.accounts.models import LoginLink, Membership, User


def token_of(link: str) -> str:
    return link.rsplit("/", 1)[1]


@pytest.mark.django_db
def test_s24_the_button_of_a_link_signs_in_once_and_leads_to_the_start(client: Client) -> None:
    link = create_login_link(ensure_first_admin())
    first = client.post(link)
    assert (first.status_code, first["Location"]) == (302, "/start")
    assert client.get("/admin/").status_code == 200
    other = Client()
    assert other.post(link).status_code == other.get(link).status_code == 403
    assert other.get("/admin/").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "head"])
def test_s24_a_preview_of_a_link_signs_nobody_in_and_does_not_use_it_up(client: Client, method: str) -> None:
    link = create_login_link(ensure_first_admin())
    for _ in range(3):
        answer = getattr(client, method)(link)
        assert (answer.status_code, answer["Referrer-Policy"]) == (200, "same-origin")
    assert client.get("/admin/").status_code == 302
    assert client.post(link).status_code == 302


@pytest.mark.django_db
def test_s24_the_page_of_a_link_works_without_script_and_its_form_cannot_be_forged() -> None:
    link, browser = create_login_link(ensure_first_admin()), Client(enforce_csrf_checks=True)
    page = browser.get(link).content.decode()
    assert "<script" not in page
    assert browser.post(link).status_code == 403
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    assert browser.post(link, {"csrfmiddlewaretoken": token}).status_code == 302


@pytest.mark.django_db
def test_an_old_link_signs_nobody_in() -> None:
    link = create_login_link(ensure_first_admin(), life=timedelta(seconds=-1))
    assert consume_login_link(token_of(link)) is None


@pytest.mark.django_db
def test_the_plain_link_is_not_stored() -> None:
    link = create_login_link(ensure_first_admin())
    assert token_of(link) not in str(LoginLink.objects.values().get())


@pytest.mark.django_db
def test_the_first_admin_has_no_password_and_owns_the_default_team() -> None:
    admin = ensure_first_admin()
    assert not admin.has_usable_password()
    assert Membership.objects.get(user=admin).role == "owner"
    assert ensure_first_admin() == admin


@pytest.mark.django_db(transaction=True)
def test_t_sec_12_many_who_ask_at_once_get_one_admin() -> None:
    barrier = Barrier(4)

    def ask(_: int) -> int:
        barrier.wait(10)
        try:
            return int(ensure_first_admin().pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
    assert User.objects.filter(is_superuser=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_who_use_a_link_at_once_are_one() -> None:
    token = token_of(create_login_link(ensure_first_admin()))
    barrier = Barrier(4)

    def use(_: int) -> bool:
        barrier.wait(10)
        try:
            return consume_login_link(token) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(4))) == 1

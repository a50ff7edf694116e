"""A page for members or for networks is read by them alone; whom Vigil cannot tell, it does not let in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.contrib.auth.hashers import make_password
from django.db import OperationalError
from django.test import Client

from tests.planting import plant
from tests.vigil.status.facts import FRAME, component, page
from tests.vigil.status.rows import SECRET
from tests.vigil.web.pages.row_forms.test_alerting_forms import member
from vigil.accounts.models import Membership, Role, Team
from vigil.accounts.teams import default_team
from vigil.configuration import configuration
from vigil.status.core.access import PageAccess, PageVisibility
from vigil.status.core.document import project
from vigil.web import status_pages
from vigil.web.serving.status_pages import published_pages

FILES = ("", "/api/v2/summary.json", "/history.atom")


def serve(access: PageAccess) -> None:
    published_pages().publish(project(replace(page(), access=access), FRAME))


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    published_pages().keep_only({})


@pytest.mark.django_db
def test_a_page_of_a_team_is_read_by_its_members_alone() -> None:
    serve(PageAccess(PageVisibility.TEAM, team=default_team().pk))
    stranger = Client()
    asked = stranger.get("/status/acme")
    assert asked.status_code == 302 and asked["Location"] == "/sign-in?next=/status/acme"
    for below in FILES[1:]:
        refused = stranger.get(f"/status/acme{below}")
        assert refused.status_code == 401 and b"Acme" not in refused.content
    viewer, other = member(Role.VIEWER), member(Role.OWNER, Team.objects.create(name="Other", slug="other"))
    for below in FILES:
        answer = viewer.get(f"/status/acme{below}")
        assert answer.status_code == 200 and answer["Cache-Control"] == "private, no-cache"
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        assert other.get(f"/status/acme{below}").status_code == 403
    Membership.objects.all().delete()
    assert viewer.get("/status/acme").status_code == 403


@pytest.mark.django_db
def test_without_the_database_a_page_of_a_team_says_that_it_cannot_check(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(PageAccess(PageVisibility.TEAM, team=default_team().pk))
    viewer = member(Role.VIEWER)
    plant(monkeypatch, status_pages, "end_old_session", fault=OperationalError)
    for below in FILES:
        answer = viewer.get(f"/status/acme{below}")
        assert answer.status_code == 503 and b"It cannot be checked now" in answer.content
        assert b"Acme" not in answer.content


def test_a_page_for_networks_is_read_from_them_alone_and_asks_no_database() -> None:
    serve(PageAccess(PageVisibility.ADDRESSES, networks=("10.0.0.0/8", "2001:db8::/32")))
    for below in FILES:
        for inside in ("10.2.3.4", "2001:db8::7", "::ffff:10.2.3.4"):
            answer = Client(REMOTE_ADDR=inside).get(f"/status/acme{below}")
            assert answer.status_code == 200 and answer["Cache-Control"] == "private, no-cache"
        outside = Client(REMOTE_ADDR="192.0.2.7").get(f"/status/acme{below}")
        assert outside.status_code == 403 and b"not for your network" in outside.content
        assert b"Acme" not in outside.content and b"10.0.0.0" not in outside.content


def test_behind_a_proxy_the_client_is_the_one_that_a_trusted_proxy_names(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(PageAccess(PageVisibility.ADDRESSES, networks=("10.0.0.0/8",)))
    # No proxy is trusted: its own address would let in whomever it hands on.
    handed = Client(REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "192.0.2.7"})
    refused = handed.get("/status/acme")
    assert refused.status_code == 403 and b"cannot be told" in refused.content
    settings = configuration().model_copy(update={"trusted_proxies": "10.0.0.1"})
    # Worked out once, and copied with the rest.
    settings.__dict__.pop("trusted_networks", None)
    for module in ("vigil.web.middleware.proxies", "vigil.web.status_pages"):
        monkeypatch.setattr(f"{module}.configuration", lambda: settings)
    assert handed.get("/status/acme").status_code == 403
    inside = Client(REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "10.9.9.9, 10.1.1.1"})
    assert inside.get("/status/acme").status_code == 200
    claimed = Client(REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "10.9.9.9, 192.0.2.7"})
    assert claimed.get("/status/acme").status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("domain", ["", "status.acme.test"])
def test_no_error_of_a_page_says_anything_that_the_page_says_or_keeps(
    monkeypatch: pytest.MonkeyPatch, domain: str
) -> None:
    team = default_team()
    said = replace(
        page(component(f"{SECRET}-service")), title=f"{SECRET}-title", header=f"{SECRET}-header", id="stp_word",
        domain=f"{SECRET}.test", accent="#0b6784",
    )  # fmt: skip
    stranger = Client(REMOTE_ADDR="192.0.2.7", raise_request_exception=False)
    stranger.defaults["vigil.page_domain"] = domain
    for access, status in (
        (PageAccess(), 404),
        (PageAccess(PageVisibility.PASSWORD, make_password(f"{SECRET}-password")), 403),
        (PageAccess(PageVisibility.ADDRESSES, networks=("10.0.0.0/8",)), 403),
        (PageAccess(PageVisibility.TEAM, team=team.pk), 401 if not domain else 302),
    ):
        published_pages().publish(project(replace(said, access=access), FRAME))
        answers = [stranger.get("/status/acme/none.json"), stranger.get("/status/acme/none")]
        answers += [stranger.post("/status/acme", {"password": "x"}, headers={"origin": "https://evil.test"})]
        assert {one.status_code for one in answers[:2]} == {status} and answers[2].status_code == 403
        with monkeypatch.context() as patched:
            plant(patched, status_pages, "published_pages", fault=RuntimeError)
            answers.append(stranger.get("/status/acme"))
            assert answers[-1].status_code == 500
        for one in answers:
            told = f"{one.content.decode()} {sorted(one.headers.items())}"
            assert SECRET not in told and team.name not in told and "10.0.0.0" not in told
            assert "Traceback" not in told and "RuntimeError" not in told

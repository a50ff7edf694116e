"""On its own domain a page is at the root, and nothing else of Vigil is there; other hosts are as they were."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.contrib.auth.hashers import make_password
from django.test import override_settings

from tests.vigil.status.facts import FRAME, page
from vigil.guess_limits import PAGE_PASSWORDS
from vigil.status.core.access import PageAccess, PageVisibility
from vigil.status.core.document import project
from vigil.web.serving.server import WebServer
from vigil.web.serving.status_pages import PAGE_DOMAIN, StatusPages, published_pages

DOMAIN, CLOSED, OURS = "status.acme.test", "closed.acme.test", "testserver"


@pytest.fixture
def server() -> Iterator[WebServer]:
    from django.core.wsgi import get_wsgi_application

    pages = published_pages()
    behind = PageAccess(PageVisibility.PASSWORD, make_password("long enough secret"))
    closed = replace(page(), id="stp_2", slug="closed", title="Closed", domain=CLOSED, access=behind)
    team = PageAccess(PageVisibility.TEAM, team=1)
    members = replace(page(), id="stp_3", slug="members", domain="team.acme.test", access=team)
    for facts in (replace(page(), domain=DOMAIN), closed, members):
        pages.publish(project(facts, FRAME))
    PAGE_PASSWORDS.forget()
    pings = cast(Any, SimpleNamespace())
    yield WebServer(get_wsgi_application(), pings, StatusPages())
    pages.keep_only({})
    PAGE_PASSWORDS.forget()


def ask(
    server: WebServer, host: str, path: str, method: str = "GET", body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], str]:
    given = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    path, _, query = path.partition("?")
    scope = {
        "type": "http", "method": method, "path": path, "query_string": query.encode(), "http_version": "1.1",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()], "client": ("127.0.0.1", 1),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(server(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(one.get("body", b"") for one in sent[1:]).decode()


def test_a_page_is_at_the_root_of_its_domain_with_its_files_and_what_it_needs(server: WebServer) -> None:
    for host in (DOMAIN, f"{DOMAIN.upper()}:8443", f"{DOMAIN}."):
        status, _, text = ask(server, host, "/")
        assert status == 200 and "Acme AI" in text
    assert ask(server, DOMAIN, "/api/v2/summary.json")[0] == 200
    style = ask(server, DOMAIN, "/static/web/favicon.svg")
    assert style[0] == 200 and "svg" in style[1]["content-type"]


def test_links_of_letters_go_on_at_a_domain_that_their_page_has_no_more() -> None:
    def placed(path: str) -> tuple[object, list[tuple[bytes, bytes]], object]:
        scope = {"path": path, "headers": [(b"host", b"gone.acme.test"), (b"accept", b"*/*")]}
        found = StatusPages().placed(scope)
        return found["path"], sorted(found["headers"]), found.get(PAGE_DOMAIN)

    for link in ("/subscriptions/sub_1~a", "/subscriptions/sub_1~a/unsubscribe", "/subscriptions/confirm/sub_1~b:c"):
        assert placed(link) == (link, [(b"accept", b"*/*"), (b"host", OURS.encode())], None)
    for path in ("/", "/sign-in", "/subscriptions/../admin/", "/status/acme"):
        assert placed(path) == (path, [(b"accept", b"*/*"), (b"host", b"gone.acme.test")], None)


def test_a_program_of_another_site_may_ask_with_headers_of_its_own_for_what_everyone_may_read(
    server: WebServer,
) -> None:
    def asked(host: str, path: str) -> tuple[int, dict[str, str], str]:
        return ask(server, host, path, "OPTIONS", origin="https://elsewhere.test", access_control_request_method="GET")

    status, headers, text = asked(DOMAIN, "/api/v2/summary.json")
    assert (status, text, headers["access-control-allow-origin"]) == (204, "", "*")
    assert headers["access-control-allow-headers"] == "*" and "GET" in headers["access-control-allow-methods"]
    for host, path in ((DOMAIN, "/"), (DOMAIN, "/nothing"), (CLOSED, "/api/v2/summary.json")):
        assert "access-control-allow-origin" not in asked(host, path)[1]


@pytest.mark.parametrize(
    "path",
    ["/admin/", "/sign-in", "/api/v1/monitors", "/livez", "/healthz", "/metrics", "/ping/0123", "/status/acme",
     "/status/closed", "/status-domain?domain=status.acme.test", "/login/once/x", "/assets/../admin/", "/settings",
     "/start", "//testserver/admin/", "/static/web/tokens.css"],
)  # fmt: skip
def test_nothing_else_of_vigil_is_on_a_domain_of_a_page(server: WebServer, path: str) -> None:
    status, headers, text = ask(server, DOMAIN, path)
    assert status == 404 and "There is nothing here" in text, text
    assert "location" not in headers and "set-cookie" not in headers and "Overview" not in text


@override_settings(ALLOWED_HOSTS=[OURS])
def test_other_hosts_have_no_page_at_their_root(server: WebServer) -> None:
    for host in ("status.other.test", f"{DOMAIN}.evil.test", f"evil.{DOMAIN}", f"{DOMAIN}, {OURS}"):
        assert ask(server, host, "/sign-in")[0] == 400
    assert ask(server, OURS, "/status/acme")[0] == 200
    # Twice told, a host is none of them.
    assert ask(server, OURS, "/status/acme", x_forwarded_host=DOMAIN)[0] == 200


def test_a_password_opens_a_page_on_its_domain(server: WebServer) -> None:
    status, headers, text = ask(server, CLOSED, "/")
    assert status == 200 and "asks for a password" in text and "Closed" not in text and "set-cookie" not in headers
    assert ask(server, CLOSED, "/api/v2/summary.json")[0] == 403
    form = {"content_type": "application/x-www-form-urlencoded"}
    sent = b"password=long+enough+secret"
    theirs = ask(server, CLOSED, "/", "POST", sent, **form, origin="https://evil.test")
    assert theirs[0] == 403 and "set-cookie" not in theirs[1]
    opened = ask(server, CLOSED, "/", "POST", sent, **form, origin=f"https://{CLOSED}")
    assert opened[0] == 302 and opened[1]["location"] == "/" and "Path=/;" in opened[1]["set-cookie"]
    cookie = opened[1]["set-cookie"].partition(";")[0]
    known = ask(server, CLOSED, "/", cookie=cookie)
    assert known[0] == 200 and "Closed" in known[2]


def test_a_page_for_members_leads_from_its_domain_to_where_they_sign_in(server: WebServer) -> None:
    status, headers, text = ask(server, "team.acme.test", "/history.atom")
    assert status == 302 and headers["location"].endswith("/status/members/history.atom") and not text


def test_a_proxy_is_told_which_domains_may_have_a_certificate(server: WebServer) -> None:
    assert ask(server, OURS, f"/status-domain?domain={DOMAIN}")[0] == 200
    assert ask(server, "127.0.0.1:8000", f"/status-domain?domain={CLOSED}")[0] == 200
    for other in ("", "?domain=", "?domain=other.test", "?domain=testserver", f"?domain={'a' * 5_000}"):
        assert ask(server, OURS, f"/status-domain{other}")[0] == 404

"""A page behind a password asks for it once, opens with it alone, and needs no database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.test import Client

from tests.vigil.status.facts import FRAME, page
from vigil.guess_limits import ADDRESS_BURST, PAGE_BURST, PAGE_PASSWORDS, PASSWORDS, network_of
from vigil.status.core.access import PageAccess, PageVisibility
from vigil.status.core.document import project
from vigil.web import page_passwords
from vigil.web.serving.status_pages import StatusPages, published_pages

# Without `django_db` each query fails the test.


def behind(password: str) -> PageAccess:
    return PageAccess(PageVisibility.PASSWORD, make_password(password))


@pytest.fixture
def served() -> Iterator[None]:
    pages = published_pages()
    closed = replace(page(), id="stp_closed", slug="closed", access=behind("long enough secret"))
    for facts in (page(), closed):
        pages.publish(project(facts, FRAME))
    PAGE_PASSWORDS.forget()
    yield
    pages.keep_only({})
    PAGE_PASSWORDS.forget()


def test_a_public_page_is_a_file_without_a_query(served: None) -> None:
    client = Client()
    answer = client.get("/status/acme", headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200 and answer["Content-Encoding"] == "gzip" and not answer.cookies
    assert client.get("/status/acme", headers={"if-none-match": answer["ETag"]}).status_code == 304
    assert client.get("/status/acme/api/v2/status.json").json()["status"]["indicator"] == "none"
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    for address in ("/status/acme.md", "/status/acme/index.md"):
        assert client.get(address).content.startswith(b"# Acme AI\n")
    assert client.get("/status/acme/badge.svg")["Content-Type"] == "image/svg+xml"
    assert client.get("/status/other.md").status_code == client.get("/status/acme/other.md").status_code == 404


def test_a_reader_who_chose_a_language_gets_the_page_in_it_with_a_tag_of_its_own() -> None:
    published_pages().publish(project(page(), replace(FRAME, languages=("de", "en"))))
    server, tags = StatusPages(), set()
    for query, language in ((b"", "en"), (b"lang=de", "de"), (b"x=1&lang=de", "de"), (b"lang=xx", "en")):
        scope = {"type": "http", "method": "GET", "path": "/status/acme", "query_string": query, "headers": []}
        answer = server.answer(scope)
        assert answer is not None and f'<html lang="{language}">'.encode() in answer[2]
        tags.add((dict(answer[1])["ETag"], language))
        same = Client().get("/status/acme", QUERY_STRING=query.decode())
        assert (same.content, same["ETag"]) == (answer[2], dict(answer[1])["ETag"])
        known = [(b"if-none-match", dict(answer[1])["ETag"].encode())]
        again = server.answer({**scope, "headers": known})
        assert again is not None and again[0] == 304
    published_pages().keep_only({})
    assert len(tags) == 2


def test_programs_that_read_text_find_pages_by_their_address_and_no_list_of_them(served: None) -> None:
    told = Client().get("/llms.txt")
    assert told.status_code == 200 and told["Content-Type"] == "text/plain; charset=utf-8"
    text = told.content.decode()
    assert text.startswith("# Vigil\n\n> ") and "/status/SLUG/llms.txt" in text and "/api/docs/)" in text
    assert "acme" not in text and "Acme" not in text
    assert Client().get("/status/acme/llms.txt").content.startswith(b"# Acme AI: status\n")


def test_a_page_behind_a_password_shows_nothing_until_it_is_known(served: None) -> None:
    client = Client()
    asked = client.get("/status/closed")
    assert asked.status_code == 200 and asked["Cache-Control"] == "no-store"
    assert "asks for a password" in asked.content.decode() and "Acme" not in asked.content.decode()
    for below in ("api/v2/summary.json", "history.atom"):
        refused = client.get(f"/status/closed/{below}")
        assert refused.status_code == 403 and "Acme" not in refused.content.decode()
    wrong = client.post("/status/closed", {"password": "guess"})
    assert "The password is wrong." in wrong.content.decode() and not client.get("/status/closed").has_header("ETag")
    opened = client.post("/status/closed", {"password": "long enough secret"})
    assert opened.status_code == 302 and opened["Location"] == "/status/closed"
    cookie = opened.cookies["vigil_stp_closed"]
    assert cookie["httponly"] and cookie["path"] == "/"
    known = client.get("/status/closed")
    assert "Acme AI" in known.content.decode() and known["Cache-Control"] == "private, no-cache"
    assert client.get("/status/closed/api/v2/summary.json").status_code == 200


def test_a_reader_who_is_signed_in_to_vigil_asks_no_database_either(served: None) -> None:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    assert client.get("/status/closed").status_code == 200 and client.get("/status/acme").status_code == 200
    assert client.post("/status/closed", {"password": "long enough secret"}).status_code == 302
    assert "Acme AI" in client.get("/status/closed").content.decode()


def test_a_new_password_ends_what_the_old_one_has_opened(served: None) -> None:
    client = Client()
    client.post("/status/closed", {"password": "long enough secret"})
    changed = replace(page(), id="stp_closed", slug="closed", access=behind("another long secret"))
    published_pages().publish(project(changed, FRAME))
    assert "asks for a password" in client.get("/status/closed").content.decode()
    client.cookies["vigil_stp_closed"] = "forged:proof"
    assert "asks for a password" in client.get("/status/closed").content.decode()


def test_guesses_are_slowed_down_for_their_sender(served: None) -> None:
    client = Client()
    answers = [client.post("/status/closed", {"password": f"guess {number}"}).status_code for number in range(12)]
    assert answers[0] == 200 and answers[-1] == 429
    other = Client(REMOTE_ADDR="10.0.0.9")
    assert other.post("/status/closed", {"password": "long enough secret"}).status_code == 302


def test_guesses_from_one_ipv6_network_are_those_of_one_sender(served: None) -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:10.0.0.9") == network_of("10.0.0.9") == "10.0.0.9"
    answers = [
        Client(REMOTE_ADDR=f"2001:db8::{number:x}").post("/status/closed", {"password": "guess"}).status_code
        for number in range(1, 13)
    ]
    assert answers[0] == 200 and answers[-1] == 429


def test_guesses_of_one_page_are_slowed_down_wherever_they_come_from(served: None) -> None:
    for number in range(int(PAGE_BURST)):
        PAGE_PASSWORDS.failed(f"10.{number}.0.1", f"stp_closed 10.{number}.0.1", "stp_closed")
    other = Client(REMOTE_ADDR="192.0.2.7").post("/status/closed", {"password": "guess"})
    assert other.status_code == 429 and int(other["Retry-After"]) >= 1


def test_guesses_of_a_page_take_no_attempt_from_the_login(served: None) -> None:
    for _ in range(int(ADDRESS_BURST) + 5):
        PAGE_PASSWORDS.failed("127.0.0.1", "stp_closed 127.0.0.1", "stp_closed")
    assert PASSWORDS.wait_s("127.0.0.1", "ann") == 0 and PAGE_PASSWORDS.wait_s("127.0.0.1") > 0


def test_no_more_than_two_passwords_are_checked_at_once(served: None) -> None:
    client, busy = Client(), page_passwords.CHECKS
    with busy, busy:
        refused = client.post("/status/closed", {"password": "long enough secret"})
    assert refused.status_code == 429 and refused["Retry-After"] == "1"
    assert client.post("/status/closed", {"password": "long enough secret"}).status_code == 302

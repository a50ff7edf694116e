"""T-SEC: ways by which the pages and APIs of other monitoring systems were broken."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from django.contrib.auth.hashers import get_hasher
from django.test import Client
from pydantic import ValidationError

from tests.poison.boundary import texts_of
from tests.vigil.alerts.told import KINDS, alert
from tests.vigil.api.caller import Api
from tests.vigil.api.test_every_route import addresses, routes, rows
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Team, User
from vigil.accounts.teams import default_team
from vigil.alerts.wording import text
from vigil.alerts.wording.message import message_of
from vigil.configuration import Configuration
from vigil.guess_limits import PASSWORDS, SECRETS
from vigil.heartbeats.showing.snippets import SNIPPETS

pytestmark = pytest.mark.django_db
RIGHT = "right-password-of-ann"
TEMPLATES = ("{{7*7}}", "{0.__class__}", "{alert.team}", "%(name)s", "${7*7}", "{% debug %}", "<%= 7*7 %>", "#{7*7}")
CODE = "0f3c8f4e-5a54-4d3e-9d0e-0d3f9a1b2c3d"
NOT_GIVEN: dict[str, Any] = {}
SCRIPT = "<script>alert(1)</script>"
#: Pages that people without an account may see: how to get in, what a secret address shows, whether it lives.
OPEN = re.compile(
    r"/(sign-in|sign-out|admin/login/|admin/logout/|login/once/|assets/|llms\.txt|favicon\.ico|healthz|readyz|metrics|respond/"
    r"|enrol|hooks/|oncall/|badge/|api/|static/|admin/jsi18n/)"
)


@pytest.fixture(autouse=True)
def no_guesses() -> None:
    PASSWORDS.forget()
    SECRETS.forget()


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password=RIGHT, is_staff=True, is_superuser=True)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_t_sec_03_what_a_user_writes_is_text_in_every_alert(kind: str) -> None:
    """Names and notes are put into texts as they are: no text of a user is read as a template."""
    for words in TEMPLATES:
        told = replace(alert(kind), title=words, note=words, named=words)
        if told.subject is not None:
            told = replace(told, subject=replace(told.subject, name=words))
        message = message_of(told)
        shown = [text.headline(told), *text.story(told), *texts_of(msgspec.to_builtins(message))]
        assert any(words in each for each in shown), (words, shown)


def test_t_sec_06_no_page_shows_a_private_object_to_a_stranger() -> None:
    api = Api(default_team())
    made = rows(api)
    client, seen = Client(raise_request_exception=False), set()
    for path in page_addresses(made):
        answer = client.get(path)
        seen.add(answer.status_code)
        if not OPEN.match(path):
            assert answer.status_code in (302, 401, 403, 404, 405), (path, answer.status_code)
            assert answer.status_code != 302 or "/sign-in" in answer["Location"] or "/login" in answer["Location"], path
        else:
            for each in made.values():
                assert each in ("openai", "eu") or each.encode() not in answer.content, path
    assert {302, 404} <= seen


def page_addresses(made: dict[str, str]) -> set[str]:
    """An address for each route that is no API, with real ids where the route names a kind."""
    found = set()
    for route in routes():
        filled = re.sub(r"\(\?P<[^>]*>[^)]*\)|<[^>]*>", lambda _: made["monitors"], route)
        plain = re.sub(r"[\\^$]|\(\?:.*?\)\??", "", filled)
        if not plain.startswith("api/"):
            found.add("/" + plain.replace("Z", "") if plain.endswith("Z") else "/" + plain)
    return found


def test_t_sec_08_a_new_password_ends_every_other_session(ann: User) -> None:
    here, elsewhere = Client(), Client()
    for each in (here, elsewhere):
        each.force_login(ann)
        assert each.get("/admin/").status_code == 200
    form = {"old_password": RIGHT, "new_password1": "another-Password-9", "new_password2": "another-Password-9"}
    assert here.post("/admin/password_change/", form).status_code == 302
    assert here.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302


def test_t_sec_08_an_account_that_is_switched_off_is_out_at_once(ann: User) -> None:
    client = Client()
    client.force_login(ann)
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert client.get("/admin/").status_code == 302


def test_t_sec_15_t_sec_22_no_member_of_another_team_reaches_a_row_by_its_id() -> None:
    team, other = default_team(), Team.objects.create(name="Other", slug="other")
    made, stranger = rows(Api(team)), Api(other)
    tried = 0
    for address in sorted(addresses(made)):
        for each in made.values():
            if each in ("openai", "eu") or f"/{each}" not in address:
                continue
            invented = address.replace(each, f"{each[:4]}{'0' * 16}")
            for method in ("GET", "PUT", "PATCH", "POST", "DELETE"):
                body = {"name": "mine"} if method in ("PUT", "PATCH") else None
                SECRETS.forget()
                answers = [stranger.ask(method, path.removeprefix("/api/v1/"), body) for path in (address, invented)]
                assert answers[0].status_code == answers[1].status_code >= 400, (method, address)
                assert answers[0].status_code in (400, 404, 405), (method, address)
                tried += answers[0].status_code == 404
    assert tried > 60


def test_t_sec_19_what_the_api_stores_is_text_on_every_page() -> None:
    api = Api(default_team())
    status, monitor = api(
        "POST", "monitors", {"name": SCRIPT, "kind": "http", "config": {"url": "https://x.test/"}, "tags": ["a"]}
    )
    assert status == 201, monitor
    channel = api("POST", "channels", {"name": SCRIPT, "kind": "webhook", "config": {"url": "https://x.test"}})
    person = api("POST", "people", {"name": SCRIPT, "channels": [channel[1]["id"]]})
    heartbeat = api("POST", "heartbeats", {"name": f"job {SCRIPT}"})
    assert {channel[0], person[0], heartbeat[0]} == {201}
    client, shown = Client(), 0
    client.force_login(ensure_first_admin())
    for path in (
        "/", "/heartbeats", "/on-call", "/settings", "/on-call/silences", "/admin/monitors/monitor/",
        "/admin/alerts/channel/", "/admin/alerts/person/", "/admin/heartbeats/heartbeat/",
        f"/heartbeats/{heartbeat[1]['id']}", f"/monitors/{monitor['id']}", f"/monitors/{monitor['id']}/edit",
    ):  # fmt: skip
        page = client.get(path, follow=True).content.decode()
        assert SCRIPT not in page, path
        shown += "&lt;script&gt;alert(1)" in page
    assert shown >= 6


def test_t_sec_20_a_wrong_password_and_an_unknown_name_are_answered_alike(ann: User) -> None:
    hashed: list[str] = []
    hasher = type(get_hasher())
    encode: Callable[..., str] = hasher.encode

    def counting(self: Any, password: str, *arguments: Any, **options: Any) -> str:
        hashed.append(password)
        return encode(self, password, *arguments, **options)

    pages = []
    for path in ("/sign-in", "/admin/login/"):
        for name in ("ann", "no-such-name"):
            hashed.clear()
            with patch.object(hasher, "encode", counting), patch.object(hasher, "verify", verify_by(counting)):
                answer = Client().post(path, {"username": name, "password": "wrong"})
            page = re.sub(r'csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"', "", answer.content.decode())
            pages.append((path, answer.status_code, page.replace(name, "NAME"), len(hashed)))
        assert pages[-1] == pages[-2]
        # What takes the time is done for both.
        assert pages[-1][3] == 1


def verify_by(counting: Callable[..., str]) -> Callable[..., bool]:
    def verify(self: Any, password: str, encoded: str) -> bool:
        counting(self, password, "salt-salt-salt")
        return False

    return verify


@pytest.mark.parametrize(
    "onward",
    ["//evil.test/", "https://evil.test/", "/\\evil.test", "javascript:alert(1)", "http:evil.test", "\t//evil.test"],
)
@pytest.mark.parametrize("path", ["/sign-in", "/admin/login/"])
def test_t_sec_21_nobody_is_led_elsewhere_after_a_sign_in(ann: User, path: str, onward: str) -> None:
    client = Client()
    answer = client.post(f"{path}?next={onward}", {"username": "ann", "password": RIGHT, "next": onward})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/") and not answer["Location"].startswith(("//", "/\\"))
    assert "evil" not in answer["Location"]


@pytest.mark.parametrize(
    "base",
    [
        "https://x.test/$(id)",
        "https://x.test/`id`",
        "https://x.test/';id;'",
        'https://x.test/"&id',
        "https://x.test/a b",
    ],
)
@pytest.mark.parametrize("setting", ["ping_url", "base_url"])
def test_t_sec_23_an_address_that_a_shell_would_read_is_no_setting(
    base: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"VIGIL_{setting.upper()}", base)
    with pytest.raises(ValidationError, match="letters, digits and"):
        Configuration(**NOT_GIVEN)


@pytest.mark.parametrize("name", sorted(SNIPPETS))
def test_t_sec_23_a_snippet_takes_an_address_and_no_name_that_a_user_chose(name: str) -> None:
    assert list(signature(SNIPPETS[name].for_address).parameters) == ["address"]
    assert CODE in SNIPPETS[name].for_address(f"https://x.test/ping/{CODE}")

"""S16: guessing of passwords, tokens and links is limited by account and by client; idle sessions end."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.vigil.api.caller import Api
from vigil import guess_limits
from vigil.accounts.login import create_login_link, ensure_first_admin
from vigil.accounts.models import User
from vigil.accounts.teams import default_team
from vigil.guess_limits import ACCOUNT_BURST, ADDRESS_BURST, GuessLimits
from vigil.web.middleware import sessions

pytestmark = pytest.mark.django_db
RIGHT = "right-password-of-ann"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    guess_limits.PASSWORDS.forget()
    guess_limits.SECRETS.forget()


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password=RIGHT, is_staff=True)


def attempt(password: str, username: str = "ann", address: str = "203.0.113.5") -> int:
    form = {"username": username, "password": password}
    return Client(REMOTE_ADDR=address).post("/admin/login/", form).status_code


def test_s16_many_wrong_passwords_stop_the_account_whatever_the_address(ann: User) -> None:
    for number in range(int(ACCOUNT_BURST)):
        assert attempt("wrong", address=f"203.0.113.{number}") == 200
    assert attempt(RIGHT, address="198.51.100.1") == attempt(RIGHT, "ANN ", "198.51.100.2") == 429
    assert attempt("wrong", "bob", "198.51.100.1") == 200


def test_s16_right_passwords_are_not_counted(ann: User) -> None:
    for _ in range(int(ACCOUNT_BURST) + 2):
        assert attempt(RIGHT) == 302


def test_s16_one_address_cannot_try_many_accounts() -> None:
    for number in range(int(ADDRESS_BURST)):
        guess_limits.PASSWORDS.failed("203.0.113.5", f"user-{number}")
    assert attempt("wrong", "someone-else") == 429
    assert attempt("wrong", "someone-else", "203.0.113.6") == 200


def test_s16_a_refusal_says_when_to_try_again(ann: User) -> None:
    for _ in range(int(ACCOUNT_BURST)):
        guess_limits.PASSWORDS.failed("203.0.113.5", "ann")
    tried = {"username": "ann", "password": RIGHT}
    answer = Client().post("/admin/login/", tried)
    assert answer.status_code == 429 and 0 < int(answer["Retry-After"]) <= 30
    assert answer.content.startswith(b"There were too many wrong attempts.")
    person = Client().post("/admin/login/", tried, headers={"accept": "text/html"})
    assert person.status_code == 429 and "<h1>There were too many tries</h1>" in person.content.decode()


@pytest.mark.parametrize(
    "path", ["/login/once/x", "/respond/x", "/badge/x.svg", "/badge/x/y/z.svg", "/oncall/rot_x/y.ics"]
)
def test_s16_guessing_secret_addresses_is_limited(path: str) -> None:
    guesser, other = Client(REMOTE_ADDR="203.0.113.5"), Client(REMOTE_ADDR="203.0.113.6")
    assert guesser.get(path).status_code in (403, 404)
    for _ in range(int(ADDRESS_BURST) + 5):
        guess_limits.SECRETS.failed("203.0.113.5")
    assert guesser.get(path).status_code == 429
    assert other.get(path).status_code in (403, 404)


def test_s16_wrong_tokens_are_limited_and_right_ones_are_not() -> None:
    api = Api(default_team())
    for _ in range(int(ADDRESS_BURST) + 5):
        guess_limits.SECRETS.failed("127.0.0.1")
    answer = Client().get("/api/v1/monitors", headers={"authorization": "Bearer vgl_a_b"})
    assert answer.status_code == 429 and int(answer["Retry-After"]) >= 1
    assert api("GET", "monitors")[0] == 200
    assert Client().post(create_login_link(ensure_first_admin())).status_code == 302


def test_s16_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guess_limits, "REMEMBERED", 10)
    limits = GuessLimits()
    for number in range(100):
        limits.failed(f"address-{number}", "x" * 1000 + str(number))
    assert len(limits._accounts) <= 11 and len(limits._addresses) <= 11


def test_s16_a_session_ends_when_it_is_idle(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(ensure_first_admin())
    now_s = 1_000_000.0
    monkeypatch.setattr(sessions.time, "time", lambda: now_s)
    for _ in range(4):
        assert client.get("/admin/").status_code == 200
        now_s += sessions.IDLE_S - 400
    now_s += 500
    assert client.get("/admin/").status_code == 302


def test_s16_a_session_that_is_used_ends_two_weeks_after_the_login(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(ensure_first_admin())
    now_s = 1_000_000.0
    monkeypatch.setattr(sessions.time, "time", lambda: now_s)
    for _ in range(14 * 4):
        assert client.get("/admin/").status_code == 200
        now_s += 6 * 3600
    now_s += 1
    assert client.get("/admin/").status_code == 302

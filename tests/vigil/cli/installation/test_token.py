"""`manage.py token` makes a token that works at once, is shown once, and ends when it should (n2)."""

from __future__ import annotations

import getpass
import json
from datetime import timedelta

import pytest
from django.test import Client

from vigil.accounts.models import ApiToken
from vigil.cli import main
from vigil.clock import database_wall_now

pytestmark = pytest.mark.django_db


def read(client: Client, token: str) -> int:
    answer = client.get("/api/v1/monitors", headers={"authorization": f"Bearer {token}"})
    return answer.status_code


def test_one_line_makes_a_token_with_the_curl_that_uses_it(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "add", "ci"]) == 0
    token, note, curl = capsys.readouterr().out.splitlines()
    assert token.startswith("vgl_") and "only now" in note
    assert curl.startswith("curl ") and token in curl and curl.endswith("/api/v1/monitors")
    assert read(client, token) == 200
    assert ApiToken.objects.get().scopes == ["read"]


def test_scopes_and_end_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "add", "ci", "--scope", "write", "--scope", "read", "--expires", "2d", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scopes"] == ["read", "write"]
    left = (ApiToken.objects.get().expires_at or database_wall_now()) - database_wall_now()
    assert timedelta(days=1, hours=23) < left <= timedelta(days=2)


def test_the_list_shows_no_secret_and_a_revoked_token_ends(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "list"]) == 0
    assert capsys.readouterr().out == "none yet\n"
    assert main(["token", "add", "ci"]) == 0
    token = capsys.readouterr().out.splitlines()[0]
    assert main(["token", "list"]) == 0
    shown = capsys.readouterr().out
    assert token[:12] in shown and token not in shown
    assert main(["token", "revoke", token]) == 0
    assert read(client, token) == 401


def test_a_token_has_one_successor(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "add", "ci"]) == 0
    token = capsys.readouterr().out.splitlines()[0]
    assert main(["token", "rotate", token]) == 0
    successor = capsys.readouterr().out.splitlines()[0]
    assert (read(client, token), read(client, successor)) == (200, 200)
    assert main(["token", "rotate", token]) == 2
    told = capsys.readouterr().err
    assert successor[:12] in told and "rotated already" in told and ApiToken.objects.count() == 2


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["add", " "], "a token's name has 1 to 100 printable characters"),
        (["add", "a", "--expires", "soon"], "'soon' is not a length of time"),
        (["add", "a", "--expires", "0d"], "a token ends after 1 minute to 10 years"),
        (["add", "a", "--expires", "999999999d"], "a token ends after 1 minute to 10 years"),
        (["revoke", "vgl_nothing"], "there is no token vgl_nothing"),
    ],
)
def test_a_wrong_question_is_said(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", *words]) == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(("words", "days"), [([], 365), (["--expires", "90d"], 90), (["--expires", "never"], None)])
def test_s11_a_token_ends_after_a_year_unless_told_otherwise(
    words: list[str], days: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "add", "ci", *words]) == 0
    [token] = ApiToken.objects.all()
    assert main(["token", "revoke", f"vgl_{token.prefix}"]) == 0
    left = token.expires_at and round((token.expires_at - database_wall_now()).total_seconds() / 86_400)
    assert left == days
    issued, revoked = capsys.readouterr().err.splitlines()
    actor = f'actor="command line of {getpass.getuser()}" token=vgl_{token.prefix} name=ci'
    assert issued.startswith(f"event=token.issued {actor}") and revoked.startswith(f"event=token.revoked {actor}")

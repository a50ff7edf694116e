"""API tokens are recognised by their hash, until they expire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vigil.accounts.models import ApiToken, User
from vigil.accounts.teams import default_team
from vigil.accounts.tokens import find_token, issue_token

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_an_issued_token_is_found() -> None:
    token, plain = issue_token(default_team(), "ci")
    assert plain.startswith(f"vgl_{token.prefix}_")
    assert find_token(plain, NOW) == token


def test_the_plain_token_is_not_stored() -> None:
    _, plain = issue_token(default_team(), "ci")
    row = ApiToken.objects.values().get()
    assert plain.split("_", 2)[2] not in str(row)


@pytest.mark.parametrize("wrong", ["", "vgl_", "vgl_a_b", "nope", "vgl_" + "x" * 200])
def test_a_wrong_token_is_not_found(wrong: str) -> None:
    issue_token(default_team(), "ci")
    assert find_token(wrong, NOW) is None


def test_a_right_prefix_with_a_wrong_secret_is_not_found() -> None:
    _, plain = issue_token(default_team(), "ci")
    assert find_token(plain[:-1] + ("a" if plain[-1] != "a" else "b"), NOW) is None


def test_an_expired_token_is_not_found() -> None:
    _, plain = issue_token(default_team(), "ci", expires_at=NOW)
    assert find_token(plain, NOW) is None
    assert find_token(plain, NOW - timedelta(seconds=1)) is not None


def test_a_token_of_someone_who_left_is_not_found() -> None:
    user = User.objects.create(username="gone", is_active=False)
    _, plain = issue_token(default_team(), "ci", user=user)
    assert find_token(plain, NOW) is None


def test_its_use_is_noted_coarsely() -> None:
    token, plain = issue_token(default_team(), "ci")
    find_token(plain, NOW)
    find_token(plain, NOW + timedelta(seconds=10))
    token.refresh_from_db()
    assert token.last_used_at == NOW

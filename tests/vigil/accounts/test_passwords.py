"""S16: passwords are stored by Argon2id; an older hash lets in, and is renewed by the login."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from vigil.accounts.models import User

pytestmark = pytest.mark.django_db


def test_s16_a_new_password_is_stored_by_argon2id() -> None:
    user = User.objects.create_user("ann", password="fake-password-of-ann")
    assert user.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert authenticate(username="ann", password="fake-password-of-ann") == user
    assert authenticate(username="ann", password="another-password") is None


def test_s16_an_older_hash_is_renewed_at_login() -> None:
    user = User.objects.create_user("ann")
    user.password = PBKDF2PasswordHasher().encode("fake-password-of-ann", "salt")
    user.save()
    assert authenticate(username="ann", password="fake-password-of-ann") == user
    user.refresh_from_db()
    assert user.password.startswith("argon2$argon2id$")
    assert authenticate(username="ann", password="fake-password-of-ann") == user

"""Sealed fields: model fields encrypted in the database and never shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import models

from vigil.configuration import configuration


class SealedValueUnreadable(Exception):
    """No key in VIGIL_SEAL_KEYS opens a stored secret."""


@lru_cache(maxsize=1)
def _keyring() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in configuration().seal_key_list])


def seal(plain: str) -> str:
    """Encrypt under the first key."""
    return _keyring().encrypt(plain.encode()).decode()


def unseal(token: str) -> str:
    """Decrypt with any of the keys; raises `SealedValueUnreadable`."""
    try:
        return _keyring().decrypt(token.encode()).decode()
    except InvalidToken:
        raise SealedValueUnreadable("no key in VIGIL_SEAL_KEYS opens this secret; put the old key back") from None


class Secrets(Mapping[str, str]):
    """Named secrets, decrypted on first read, so that lists decrypt nothing."""

    __slots__ = ("_opened", "_token")

    def __init__(self, opened: Mapping[str, str] | None = None, token: str = "") -> None:
        self._token = token
        self._opened: dict[str, str] | None = None if token else dict(opened or {})

    def _open(self) -> dict[str, str]:
        if self._opened is None:
            self._opened = dict(json.loads(unseal(self._token)))
        return self._opened

    def sealed(self) -> str:
        """The encrypted form; empty if there are no secrets."""
        if not self._token and self._opened:
            self._token = seal(json.dumps(self._opened))
        return self._token

    def __getitem__(self, name: str) -> str:
        return self._open()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._open())

    def __len__(self) -> int:
        return len(self._open())

    def __bool__(self) -> bool:
        return bool(self._token or self._opened)

    def __repr__(self) -> str:
        return "Secrets(sealed)" if self else "Secrets(none)"


if TYPE_CHECKING:
    # Types of assignment and read, which Django does not declare.
    _SecretsColumn = models.TextField[Mapping[str, str], Secrets]
    _TextColumn = models.TextField[str, str]
else:
    _SecretsColumn = _TextColumn = models.TextField


class SealedJSONField(_SecretsColumn):
    """A `Secrets` mapping, stored as one Fernet token. Not searchable."""

    description = "Encrypted names and values"

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("default", Secrets)
        options.setdefault("blank", True)
        super().__init__(*args, **options)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, options = super().deconstruct()
        for implied in ("default", "blank"):
            options.pop(implied, None)
        return name, path, args, options

    def from_db_value(self, stored: str | None, *_: object) -> Secrets:
        return Secrets(token=stored or "")

    def to_python(self, value: Any) -> Secrets:
        return value if isinstance(value, Secrets) else Secrets(value or {})

    def get_prep_value(self, value: Any) -> str:
        return self.to_python(value).sealed()

    def value_to_string(self, obj: models.Model) -> str:
        return self.to_python(self.value_from_object(obj)).sealed()


class SealedTextField(_TextColumn):
    """One secret string, stored as a Fernet token. Not searchable."""

    description = "Encrypted text"

    def from_db_value(self, stored: str | None, *_: object) -> str | None:
        return unseal(stored) if stored else stored

    def get_prep_value(self, value: Any) -> Any:
        return seal(str(value)) if value else value

"""User and password as people keep them: apart, as "user:password", or within the address of a store. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

USERNAME, PASSWORD = "username", "password"
#: Longest of either (characters).
LOGIN_MOST = 1024
#: The address of a store, such as a REDIS_URL: user and password stand before the last @, with their %-escapes.
_ADDRESS = re.compile(r"(?:rediss?|valkeys?|unix|postgres(?:ql)?)://([^/?#]*)@", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Login:
    """A user ("" for none) and a password. `whole` is the text that may be a password with a colon, or None."""

    user: str
    password: str = field(repr=False)
    whole: str | None = field(default=None, repr=False)


def login_of(secrets: Mapping[str, str]) -> Login | None:
    """The login in the secrets; None without a password.

    With a `username` of its own, every character of the password counts. Without it the text is "user:password", split
    at the first colon (":password" for no user), or a password alone.
    """
    text = secrets.get(PASSWORD)
    if text is None:
        return None
    address = _ADDRESS.match(text)
    if address is not None:
        user, _, password = address[1].partition(":")
        return Login(secrets.get(USERNAME) or unquote(user), unquote(password) if ":" in address[1] else "")
    if USERNAME in secrets:
        return Login(secrets[USERNAME], text)
    user, colon, password = text.partition(":")
    if not colon:
        return Login("", text)
    return Login(user, password, whole=text if user else None)

"""Public ids: opaque, typed ids for API and links."""

from __future__ import annotations

import secrets

#: Crockford's base 32 without i, l, o and u: unambiguous when read aloud.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 16
#: A prefix of at most 7, an underscore and the random part.
MAX_LENGTH = 24


def new(prefix: str) -> str:
    """A new id such as `mon_0f3k...`, with 80 random bits."""
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def new_team() -> str:
    return new("team")


def new_token() -> str:
    return new("tok")


def new_monitor() -> str:
    return new("mon")


def new_composite() -> str:
    return new("cmp")


def new_channel() -> str:
    return new("chn")


def new_delivery() -> str:
    return new("dlv")

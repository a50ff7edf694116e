"""Opaque, typed ids for everything that people and programs outside may name."""

from __future__ import annotations

import secrets

#: Crockford's base 32 without i, l, o and u: nothing to misread aloud.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 16
#: Longest public id: a prefix of at most 7, an underscore and the random part.
MAX_LENGTH = 24


def new(prefix: str) -> str:
    """A fresh id such as `mon_0f3k...`, with 80 random bits."""
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

"""Codes that enrol a worker once: how one is made and read, and what becomes of an attempt with it. Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

PREFIX_LENGTH, SECRET_LENGTH = 8, 32
CODE_LIFE: Final = timedelta(hours=1)
#: Wrong codes with the prefix of a right one, after which that one is taken no more.
FAILURES_MOST = 10
_MARK = "vge"


class Attempt(StrEnum):
    """What becomes of an attempt to enrol."""

    ENROLLED = "enrolled"
    #: The same keys again within the hour: the same answer.
    REPEATED = "repeated"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"


REFUSED: dict[Attempt, str] = {
    Attempt.UNKNOWN: "This code is not known. Copy the whole line again, or make a new one with `region rotate`.",
    Attempt.EXPIRED: "This code is over: it holds for an hour. Make a new line with `region rotate`.",
    Attempt.USED: "This code was used by another worker: it holds for one. If that was not yours, revoke the region.",
}


@dataclass(frozen=True, slots=True)
class StoredCode:
    """What is stored of a code. `keys` are the public keys it was used with."""

    sha256: str
    expires_at: datetime
    failures: int
    keys: tuple[bytes, bytes] | None


def written(prefix: str, secret: str) -> str:
    """A code as people copy it."""
    return f"{_MARK}_{prefix}_{secret}"


def prefix_of(code: str) -> str:
    """The part by which a code is found; empty where it is none."""
    parts = code.split("_")
    is_code = len(parts) == 3 and parts[0] == _MARK and len(parts[1]) == PREFIX_LENGTH
    return parts[1] if is_code and parts[1].isascii() and parts[1].isalnum() else ""


def digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()


def judge(stored: StoredCode | None, code: str, keys: tuple[bytes, bytes], now: datetime) -> Attempt:
    """What becomes of an attempt. Only a worker with the whole code learns that it is over or used."""
    known = stored.sha256 if stored else "0" * 64
    if not hmac.compare_digest(known, digest(code)) or stored is None or stored.failures >= FAILURES_MOST:
        return Attempt.UNKNOWN
    if now >= stored.expires_at:
        return Attempt.EXPIRED
    if stored.keys is None:
        return Attempt.ENROLLED
    return Attempt.REPEATED if stored.keys == keys else Attempt.USED

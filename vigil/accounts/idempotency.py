"""Idempotency keys: the answer to a change, stored with the change, and given again to its repetition.

A client that loses an answer sends the request again under the same key. The answer is a row of the transaction that
makes the change, so there is either both or neither. A second request at the same time does not wait: it is told so.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now

from vigil.accounts.models import StoredAnswer

#: How long an answer is given again.
KEPT_FOR = timedelta(hours=24)
MAX_KEY = 200
#: Rows that one purge deletes at most.
PURGED_MOST = 5_000
_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY}}}")
_KEYS = ("team", "caller", "key")
_ANSWER = ("fingerprint", "status", "location", "body", "created_at")


class KeyInUse(Exception):
    """A request with this key is being answered now."""


class KeyUsedOtherwise(Exception):
    """The key has answered another request."""


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """A key that this transaction may answer. `caller` is a token or a person of the team."""

    team_id: int
    caller: str
    key: str
    fingerprint: str


def is_key(text: str) -> bool:
    """Whether a header can be a key: 1 to 200 visible ASCII characters."""
    return _KEY.fullmatch(text) is not None


def fingerprint(method: str, path: str, body: bytes) -> str:
    """What makes two requests the same one; `path` includes the query."""
    return hashlib.sha256(f"{method} {path}\n".encode() + body).hexdigest()


def find_answer(claim: KeyClaim) -> StoredAnswer | None:
    """The answer of an earlier request; None gives the key to this transaction.

    Raises `KeyInUse` and `KeyUsedOtherwise`. Call it within the transaction that makes the change.
    """
    with connection.cursor() as cursor:
        # It ends with the transaction. The answer is looked for afterwards, so that none is missed.
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_lock_of(claim)])
        is_ours = cursor.fetchone()[0]
    if not is_ours:
        raise KeyInUse
    kept = StoredAnswer.objects.filter(created_at__gt=Now() - KEPT_FOR)
    answer = kept.filter(team_id=claim.team_id, caller=claim.caller, key=claim.key).first()
    if answer is not None and answer.fingerprint != claim.fingerprint:
        raise KeyUsedOtherwise
    return answer


def keep_answer(claim: KeyClaim, status: int, location: str, body: str) -> None:
    """Store the answer, sealed, in the transaction of the change; it replaces an expired one."""
    answer = StoredAnswer(
        team_id=claim.team_id,
        caller=claim.caller,
        key=claim.key,
        fingerprint=claim.fingerprint,
        status=status,
        location=location,
        body=body,
    )
    StoredAnswer.objects.bulk_create([answer], update_conflicts=True, unique_fields=_KEYS, update_fields=_ANSWER)


def purge_answers() -> int:
    """Delete expired answers, at most `PURGED_MOST`; returns how many."""
    old = (
        StoredAnswer.objects.filter(created_at__lte=Now() - KEPT_FOR).order_by("created_at").values("pk")[:PURGED_MOST]
    )
    return StoredAnswer.objects.filter(pk__in=old).delete()[0]


def _lock_of(claim: KeyClaim) -> int:
    named = f"idempotency\n{claim.team_id}\n{claim.caller}\n{claim.key}".encode()
    return int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), "big", signed=True)

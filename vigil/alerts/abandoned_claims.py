"""Abandoned claims: frees at once what a sender had claimed whose session has ended, instead of after its lease."""

from __future__ import annotations

import time
from uuid import UUID

import structlog
from django.db import connection

from vigil.database.session_lock import MissingOwners, living_owners, owner_of

_log = structlog.get_logger(__name__)

_CLAIMED = "SELECT DISTINCT lease_token FROM {table} WHERE state = 'sending' AND lease_until > now()"
# Its token stays: if the sender lives after all, it may still note the outcome until another has claimed the message.
_FREE = """
UPDATE {table} SET lease_until = now() - interval '1 millisecond'
WHERE state = 'sending' AND lease_until > now() AND lease_token = ANY(%s)
"""


class AbandonedClaims:
    """Looks for claims without a living owner; `own` is the key of this process, `table` that of an outbox."""

    def __init__(self, own: int, table: str = "alerts_delivery") -> None:
        self._own = own
        self._claimed_by, self._free = _CLAIMED.format(table=table), _FREE.format(table=table)
        self._missing = MissingOwners()

    @property
    def suspects_any(self) -> bool:
        """Whether to look again soon."""
        return self._missing.any

    def free(self) -> int:
        """Free the claims of dead senders; returns how many messages."""
        tokens = self._claimed()
        owners = {owner_of(token) for token in tokens} - {0, self._own}
        living = living_owners() if owners else set()
        gone = self._missing.gone(owners, living, time.monotonic())
        if not gone:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(self._free, [[token for token in tokens if owner_of(token) in gone]])
            freed = int(cursor.rowcount)
        if freed:
            _log.warning("delivery.claims_freed", messages=freed, senders=len(gone))
        return freed

    def _claimed(self) -> list[UUID]:
        with connection.cursor() as cursor:
            cursor.execute(self._claimed_by)
            return [row[0] for row in cursor.fetchall() if row[0] is not None]

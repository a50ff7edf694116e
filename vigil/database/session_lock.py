"""Session lock in PostgreSQL (advisory): says whether the process that claimed something still has its session.

A lease alone frees a dead process's claims when it expires. With this lock they are free within a second: the server
ends the session of a process that was killed, and with it the lock. A process that only hangs keeps both. Behind a
pooler of transactions the lock says nothing, and the lease is the bound again.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import connection

_KEY_BITS = 48
#: Version of UUID for one's own layout (RFC 9562): tokens of older releases have no owner.
_VERSION = 8
#: An owner must be seen without its session for so long: it may be connecting again (s).
GONE_AFTER_S = 0.4

_HELD = """
SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class SessionLock:
    """The lock of one process. Make it after a fork, and hold it in the session that claims."""

    def __init__(self) -> None:
        self.key = secrets.randbits(_KEY_BITS - 1) + 1
        self._session: object = None

    def hold(self) -> None:
        """Take the lock in this thread's session, unless it has it. One that a lost session left is taken later."""
        connection.ensure_connection()
        if self._session is not None and self._session is connection.connection:
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [self.key])
            row = cursor.fetchone()
        self._session = connection.connection if row and row[0] else None

    def token(self) -> UUID:
        """A new token that names this owner."""
        rest = secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
        return UUID(int=self.key << 80 | _VERSION << 76 | rest)


def owner_of(token: UUID | None) -> int:
    """Key of the owner that a token names; 0 when it names none."""
    return token.int >> 80 if token is not None and token.version == _VERSION else 0


class MissingOwners:
    """Owners that were seen without their session. Pure: the clock is an argument."""

    def __init__(self, gone_after_s: float = GONE_AFTER_S) -> None:
        self._gone_after_s = gone_after_s
        self._since_s: Mapping[int, float] = {}

    def gone(self, owners: Collection[int], living: Collection[int], now_s: float) -> set[int]:
        """Those of the owners that have been without a session for long enough to be dead."""
        missing = {key for key in owners if key and key not in living}
        self._since_s = {key: self._since_s.get(key, now_s) for key in missing}
        return {key for key, since_s in self._since_s.items() if now_s - since_s >= self._gone_after_s}

    @property
    def any(self) -> bool:
        """Whether some owner was missing at the last look."""
        return bool(self._since_s)


def living_owners() -> set[int]:
    """Keys of all owners that have a session now."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD)
        return {int(row[0]) for row in cursor.fetchall()}

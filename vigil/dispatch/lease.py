"""Dispatcher lease in PostgreSQL: compare and set by its clock; the epoch is a fencing token.

A holder that hangs keeps it until it expires. One whose session with PostgreSQL has ended loses it sooner.
"""

from __future__ import annotations

import os
import re
import socket

from django.db import connection

from vigil.database.session_lock import MissingOwners, SessionLock, living_owners

LEASE_S = 10
#: A holder without its session for so long is dead: after a restart of PostgreSQL it connects again sooner.
DEAD_AFTER_S = 2.0
_OWNER = re.compile(r":s([0-9a-f]{1,12})\Z")

_RENEW = """
INSERT INTO dispatch_lease (name, holder, epoch, expires_at)
VALUES (%(name)s, %(holder)s, 1, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (name) DO UPDATE SET
    epoch = dispatch_lease.epoch + (dispatch_lease.holder <> excluded.holder)::int,
    holder = excluded.holder,
    expires_at = excluded.expires_at
WHERE dispatch_lease.holder = excluded.holder OR dispatch_lease.expires_at < now()
RETURNING epoch
"""

_RELEASE = "UPDATE dispatch_lease SET expires_at = now() WHERE name = %s AND holder = %s"


def renew(name: str, holder: str) -> int:
    """Acquire or renew; returns the epoch, or 0 if another holds the lease. Raises `OperationalError`."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, {"name": name, "holder": holder, "seconds": LEASE_S})
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def release(name: str, holder: str) -> None:
    """Release, so that a successor can take over at once. Raises `OperationalError`."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [name, holder])


def holder_of(owner: SessionLock) -> str:
    """Name of a holder, by which others find out whether it lives."""
    return f"{socket.gethostname()}:{os.getpid()}:s{owner.key:x}"


def release_of_dead(name: str, missing: MissingOwners, now_s: float) -> bool:
    """Release a lease whose holder has died; says whether it was. Raises `OperationalError`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT holder FROM dispatch_lease WHERE name = %s AND expires_at > now()", [name])
        row = cursor.fetchone()
    found = _OWNER.search(row[0]) if row else None
    owner = int(found[1], 16) if found else 0
    if row is None or not missing.gone({owner}, living_owners() if owner else (), now_s):
        return False
    release(name, row[0])
    return True

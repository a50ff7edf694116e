"""Dispatcher lease in PostgreSQL: compare and set by its clock; the epoch is a fencing token."""

from __future__ import annotations

from django.db import connection

LEASE_S = 10

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

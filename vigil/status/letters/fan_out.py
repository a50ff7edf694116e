"""Fan-out: one letter for each subscriber whom a published update concerns, whatever published it.

Updates of which subscribers were not told are found by their `told_at`. Letters are written by one statement, in one
transaction with that mark: a process that dies at any line has written all of them or none, and none twice.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction

from probes.process.isolation import Each
from vigil.clock import database_now
from vigil.status.models import PublicUpdate

#: An update that was published longer ago is told to nobody any more.
TOLD_WITHIN = timedelta(hours=24)
#: Updates in one turn.
UPDATES_AT_ONCE = 20

# An incident that names no component is about the page as a whole, and concerns everyone. Who confirmed after the
# publication has seen it on the page.
_WRITE = """
INSERT INTO status_subscriberletter
    (subscriber_id, update_id, kind, purpose, state, attempts, created_at, due_at, last_error)
SELECT s.id, %(update)s, s.kind, 'update', 'pending', 0, now(), now(), ''
FROM status_subscriber s
WHERE s.page_id = %(page)s AND s.state = 'confirmed' AND s.confirmed_at <= %(at)s AND (
    s.whole
    OR NOT EXISTS (SELECT 1 FROM status_publicincident_components c WHERE c.publicincident_id = %(incident)s)
    OR EXISTS (
        SELECT 1 FROM status_publicincident_components c
        JOIN status_subscriber_components o ON o.pagecomponent_id = c.pagecomponent_id
        WHERE c.publicincident_id = %(incident)s AND o.subscriber_id = s.id))
ORDER BY s.id FOR KEY SHARE OF s ON CONFLICT (subscriber_id, update_id) DO NOTHING
"""


def write_due_letters(each: Each) -> int:
    """Write the letters of updates that subscribers were not told of, the oldest first; returns how many letters."""
    untold = PublicUpdate.objects.published().filter(told_at=None).order_by("published_at", "pk")
    return sum(each("fan_out", list(untold.values_list("pk", flat=True)[:UPDATES_AT_ONCE]), write_letters, 0))


def write_letters(update: int) -> int:
    """Write the letters of one update, by its key; returns how many. A second call writes none."""
    with transaction.atomic():
        rows = PublicUpdate.objects.select_for_update(of=("self",), no_key=True).select_related("incident")
        row = rows.filter(pk=update, told_at=None, published_at__isnull=False).first()
        if row is None or row.published_at is None:
            return 0
        now = database_now()
        PublicUpdate.objects.filter(pk=row.pk).update(told_at=now)
        if now - row.published_at > TOLD_WITHIN:
            return 0
        keys = {"update": row.pk, "incident": row.incident_id, "page": row.incident.page_id}
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, {**keys, "at": row.published_at})
            return int(cursor.rowcount)

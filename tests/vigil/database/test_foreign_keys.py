"""Foreign keys: each has an index that a delete of the row it points at can use, or PostgreSQL reads a whole table."""

from __future__ import annotations

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

# A partial index serves where it leaves out only rows that point at nothing.
_UNSERVED = """
SELECT key.conrelid::regclass || '.' || part.attname
FROM pg_constraint key JOIN pg_attribute part ON part.attrelid = key.conrelid AND part.attnum = key.conkey[1]
WHERE key.contype = 'f' AND key.confrelid::regclass::text LIKE %s AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = key.conrelid AND i.indisvalid AND i.indkey[0] = key.conkey[1]
    AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = '(' || part.attname || ' IS NOT NULL)')
)
"""


def unserved(pointing_at: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_UNSERVED, [pointing_at])
        return sorted(name for (name,) in cursor.fetchall())


def test_every_foreign_key_has_an_index_that_begins_with_it() -> None:
    assert unserved("%") == []


def test_a_foreign_key_whose_index_is_dropped_is_seen() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE pointing (monitor_id bigint REFERENCES monitors_monitor, paused boolean)")
        cursor.execute("CREATE INDEX ON pointing (monitor_id) WHERE paused")
        assert unserved("monitors_monitor") == ["pointing.monitor_id"]
        cursor.execute("CREATE INDEX ON pointing (monitor_id) WHERE monitor_id IS NOT NULL")
        assert unserved("monitors_monitor") == []

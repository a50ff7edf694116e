"""Emptying of the test database after a test that commits: rows of the tables that have any are deleted.

Django truncates every table and makes all permissions again, which is most of the cost of such a test: a truncated
table has new files for itself and for each of its indexes.
"""

from __future__ import annotations

from django.db import connection
from django.test import TransactionTestCase

#: Tables that migrations fill, and no test changes.
_KEPT = ("django_migrations", "django_content_type", "auth_permission")
# As a replica: no trigger refuses, and no foreign key is looked up.
_EMPTY = """
SET LOCAL session_replication_role = replica;
DO $$
DECLARE
    name text;
    filled boolean;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL (ARRAY[{kept}]) LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO filled;
        IF filled THEN
            EXECUTE format('DELETE FROM %I', name);
        END IF;
    END LOOP;
END
$$;
""".format(kept=", ".join(f"'{name}'" for name in _KEPT))


def empty_after_tests_that_commit() -> None:
    """Empty tables this way, from now on, in this process."""
    TransactionTestCase._fixture_teardown = _empty_tables  # type: ignore[attr-defined]


def _empty_tables(self: TransactionTestCase) -> None:
    with connection.cursor() as cursor:
        cursor.execute("BEGIN; " + _EMPTY + " COMMIT")

"""Partition management: created on first write, dropped by retention.

A partition starts at a multiple of its span and its name says so; PostgreSQL's catalogue is the only record of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction
from psycopg import errors, sql

#: Lock timeout of a drop; retried the next time.
DROP_WAIT_MS = 2_000


@dataclass(frozen=True, slots=True)
class Partitioned:
    """A table, its partition column, and the span of a partition."""

    table: str
    column: str
    span: int

    def start(self, value: int) -> int:
        """Start of the partition of `value`."""
        return value - value % self.span

    def partition(self, value: int) -> str:
        return f"{self.table}_{self.start(value)}"


CHUNKS = Partitioned("history_chunk", "hour", 1)
PACKED_HOURS = Partitioned("history_packedhour", "hour", 24)
ROLLED_HOURS = Partitioned("history_rolledhours", "day", 32)
ROLLED_DAYS = Partitioned("history_rolledday", "day", 366)
ALL = (CHUNKS, PACKED_HOURS, ROLLED_HOURS, ROLLED_DAYS)


def ensure(table: Partitioned, value: int) -> str:
    """Create the partition of `value` if missing, without blocking others; returns its name. Needs a transaction."""
    name = table.partition(value)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        if cursor.fetchone()[0]:
            return name
        # One creator at a time; a second one finds it there.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        if cursor.fetchone()[0]:
            return name
        parent, child, start = sql.Identifier(table.table), sql.Identifier(name), table.start(value)
        cursor.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(child, parent).as_string(cursor.connection)
        )
        cursor.execute(
            sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
            .format(parent, child, sql.Literal(start), sql.Literal(start + table.span))
            .as_string(cursor.connection)
        )
    return name


def starts(table: Partitioned) -> list[int]:
    """Starts of a table's partitions, oldest first."""
    return sorted(int(name.rpartition("_")[2]) for name in _names(table))


def drop(table: Partitioned, value: int) -> bool:
    """Drop the partition of `value`; False when a reader held it too long."""
    name = sql.Identifier(table.partition(value))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {DROP_WAIT_MS}")
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name).as_string(cursor.connection))
            cursor.execute("SET LOCAL lock_timeout = DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, errors.LockNotAvailable):
            return False
        raise
    return True


def bytes_by_table() -> dict[str, int]:
    """Disk usage of each table: all partitions with indexes, TOAST and maps."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT parent.relname, coalesce(sum(pg_total_relation_size(i.inhrelid)), 0)::bigint
            FROM pg_class parent LEFT JOIN pg_inherits i ON i.inhparent = parent.oid
            WHERE parent.relname = ANY(%s) AND parent.relkind = 'p'
            GROUP BY parent.relname
            """,
            [[table.table for table in ALL]],
        )
        return {name: int(size) for name, size in cursor.fetchall()}


def _names(table: Partitioned) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = to_regclass(%s)",
            [table.table],
        )
        yield from (name for (name,) in cursor.fetchall())

"""PostgreSQL as a backup needs it: a snapshot with its rows counted, and a schema that is replaced or left alone."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from vigil.local.errors import CannotStart

_CONNECT_TIMEOUT_S = 10
#: Where the tables wait that a restore replaces, until it has succeeded.
BEFORE = "before_restore"
_TIME = 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
_MIGRATIONS = "SELECT app || '.' || name FROM django_migrations ORDER BY app, name"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
#: Of PostgreSQL's own, autovacuum is there now and then, and stops nothing.
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type IN ('client backend', 'walsender')"
)
#: Packed history is much larger than all else, and counted by nothing: its rows are in the dump as well.
_UNCOUNTED = "history_"
#: The key of a session signs in who reads it: the rows of this table stay out of a dump, and people sign in again.
SESSIONS = "django_session"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of a database that pg_dump can be told of by `name`, for as long as its connection lasts."""

    name: str
    major: int
    at: str
    rows: dict[str, int]
    migrations: list[str]


@contextlib.contextmanager
def connected(url: str, autocommit: bool = True) -> Iterator[psycopg.Connection]:
    """Raises CannotStart in one line where the server does not answer or refuses."""
    try:
        with psycopg.connect(
            url, connect_timeout=_CONNECT_TIMEOUT_S, keepalives_idle=30, autocommit=autocommit
        ) as connection:
            yield connection
    except psycopg.Error as error:
        cause = (str(error).strip().splitlines() or ["no answer"])[0]
        raise CannotStart(f"PostgreSQL: {cause}") from None


def major_of(connection: psycopg.Connection) -> int:
    return connection.info.server_version // 10_000


@contextlib.contextmanager
def snapshot(url: str) -> Iterator[Snapshot]:
    """A snapshot of an installation's database; raises CannotStart where that has none of its tables."""
    with connected(url, autocommit=False) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # It waits here while all is dumped.
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        if connection.execute("SELECT to_regclass('public.django_migrations')").fetchone() == (None,):
            raise CannotStart("the database has no tables of Vigil: is VIGIL_DATABASE_URL the right one?")
        found = connection.execute("SELECT pg_export_snapshot(), to_char(now() AT TIME ZONE 'UTC', %s)", [_TIME])
        name, at = found.fetchone() or ("", "")
        migrations = [row[0] for row in connection.execute(_MIGRATIONS).fetchall()]
        rows = {table: count if table != SESSIONS else 0 for table, count in rows_of(connection).items()}
        yield Snapshot(name, major_of(connection), at, rows, migrations)


def rows_of(connection: psycopg.Connection) -> dict[str, int]:
    """Rows of each table but those of the packed history."""
    tables = [row[0] for row in connection.execute(_TABLES).fetchall() if not row[0].startswith(_UNCOUNTED)]
    counted = {}
    for table in tables:
        row = connection.execute(sql.SQL("SELECT count(*) FROM public.{}").format(sql.Identifier(table))).fetchone()
        counted[table] = row[0] if row else 0
    return counted


def is_empty(connection: psycopg.Connection) -> bool:
    """Whether the database has no table of ours, and none that a restore has put aside."""
    return not _has_tables(connection, ("public", BEFORE))


def others_connected(connection: psycopg.Connection) -> int:
    row = connection.execute(_OTHERS).fetchone()
    return row[0] if row else 0


def put_aside(connection: psycopg.Connection) -> None:
    """Move all tables out of the way, in one step; those of a restore that was cut off are out of it already."""
    with connection.transaction():
        if _has_tables(connection, ("public",)):
            forget_before(connection)
            connection.execute(sql.SQL("ALTER SCHEMA public RENAME TO {}").format(sql.Identifier(BEFORE)))
        else:
            connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def put_back(connection: psycopg.Connection) -> None:
    """The tables as they were before `put_aside`."""
    with connection.transaction():
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute(sql.SQL("ALTER SCHEMA {} RENAME TO public").format(sql.Identifier(BEFORE)))


def forget_before(connection: psycopg.Connection) -> None:
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(BEFORE)))


@contextlib.contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """The address of an empty database on the same server, dropped afterwards; the role must be able to make one."""
    name = f"vigil_scratch_{secrets.token_hex(6)}"
    with connected(url) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _has_tables(connection: psycopg.Connection, schemas: Iterable[str]) -> bool:
    found = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = ANY(%s) LIMIT 1", [list(schemas)])
    return found.fetchone() is not None

"""Restore of a backup: into an empty database, or in place of what is there, which is kept until it has succeeded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from vigil.backup import database
from vigil.backup.archive import BackupFile
from vigil.backup.core.contents import Keys, Unusable, differing_tables, why_not_here
from vigil.backup.sealing import opened
from vigil.local.errors import CannotStart
from vigil.local.servers.postgres_clients import feed, find_client

_OPTIONS = ("--format=custom", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")


@dataclass(frozen=True)
class RestoreTarget:
    """Where to, and whether tables that are there may be replaced. `migrations` are those that this release knows."""

    database_url: str = field(repr=False)
    migrations: Collection[str]
    replace: bool = False


def read_backup(path: Path, passphrase: str) -> tuple[BackupFile, Keys | None]:
    """A whole and unaltered backup with its keys, None where it has none or no passphrase is given; raises Unusable.

    Only with the passphrase is it known that nothing was altered on purpose.
    """
    backup = BackupFile(path)
    if not backup.manifest.has_keys or not passphrase:
        return backup, None
    return backup, opened(backup.keys, passphrase, backup.encoded_manifest)


def restore(backup: BackupFile, target: RestoreTarget) -> None:
    """Put the database of a backup in place; raises Unusable and CannotStart, and then keeps what was there."""
    with database.connected(target.database_url) as connection:
        _refuse_what_cannot_be(backup, target, connection)
        if database.is_empty(connection):
            _restore_into(backup, target.database_url, connection)
            return
        if not target.replace:
            raise CannotStart("the database is not empty: name an empty one, or replace what is in it with --force")
        others = database.others_connected(connection)
        if others:
            raise CannotStart(f"{others} other connections use the database: stop every process of Vigil first")
        database.put_aside(connection)
        try:
            _restore_into(backup, target.database_url, connection)
        except BaseException:
            database.put_back(connection)
            raise
        database.forget_before(connection)


def verify(backup: BackupFile, database_url: str) -> None:
    """Restore it into a scratch database of the same server and count; raises Unusable and CannotStart."""
    with database.scratch_database(database_url) as scratch, database.connected(scratch) as connection:
        _restore_into(backup, scratch, connection)


def _refuse_what_cannot_be(backup: BackupFile, target: RestoreTarget, connection: psycopg.Connection) -> None:
    why = why_not_here(backup.manifest, database.major_of(connection), target.migrations)
    if why:
        raise Unusable(why)


def _restore_into(backup: BackupFile, url: str, connection: psycopg.Connection) -> None:
    program = find_client("pg_restore", database.major_of(connection))
    feed(program, _OPTIONS, url, backup.dump())
    differing = differing_tables(backup.manifest.rows, database.rows_of(connection))
    if differing:
        raise Unusable(f"after the restore, rows are missing or added in {'; '.join(differing[:5])}")

"""Put a backup in place: into the database of VIGIL_DATABASE_URL, else into a new data folder for `up`.

  manage.py restore vigil.backup --verify                 changes nothing: restores into a scratch database, and counts
  manage.py restore vigil.backup --keys-to vigil.keys     a deployment: also writes its keys, as lines of an environment
  manage.py restore vigil.backup --data-dir FOLDER        `up` on another machine; then run `up --data-dir FOLDER`

The file is read whole and held to its checksums first. A database that is not empty is replaced with --force only,
while no process of Vigil uses it, and kept until all rows of the backup are there. Redis may stay as it is.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from vigil.backup.archive import BackupFile
from vigil.backup.core.contents import Keys, Unusable, fingerprints
from vigil.cli.errors import CommandError
from vigil.cli.installation import passphrases
from vigil.cli.program import as_called
from vigil.local.folder import chosen_path, write_private

#: What Django's settings ask for, and a restore does not use.
_UNUSED = {"VIGIL_REDIS_URL": "redis://127.0.0.1:1/0", "VIGIL_DATABASE_URL": "postgresql://127.0.0.1:1/none"}


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the file that `backup` wrote")
    passphrases.add_options(parser, without="restore the database alone; nothing proves then who wrote the file")
    parser.add_argument("--verify", action="store_true", help="only try it, in a scratch database, which is dropped")
    parser.add_argument("--force", action="store_true", help="replace what is in the database")
    parser.add_argument("--keys-to", type=Path, metavar="FILE", help="write the keys to this file, mode 0600")
    parser.add_argument("--data-dir", help="a new data folder for `up` (default: VIGIL_DATA_DIR, else .vigil)")


def run(args: argparse.Namespace) -> int:
    from vigil.backup.restoring import read_backup

    try:
        backup, keys = read_backup(args.file, passphrases.passphrase(args))
        url = os.environ.get("VIGIL_DATABASE_URL", "")
        if not url and not args.verify:
            return _into_folder(args, backup, keys)
        if not url:
            raise CommandError("name a server whose role may make databases: VIGIL_DATABASE_URL")
        return _into_database(args, backup, keys, url)
    except OSError as error:
        raise CommandError(f"{args.file}: {error.strerror or error}") from None
    except Unusable as problem:
        raise CommandError(f"{args.file} cannot be restored: {problem}") from None


def _into_database(args: argparse.Namespace, backup: BackupFile, keys: Keys | None, url: str) -> int:
    from vigil.backup.restoring import RestoreTarget, restore, verify

    if args.verify:
        verify(backup, url)
        print(f"{args.file} is whole, and all its rows come back.")
        return 0
    if args.keys_to and keys is None:
        raise CommandError("the keys are not to be had: the backup has none, or --without-keys leaves them")
    here = os.environ.get("VIGIL_SEAL_KEYS", "")
    restore(backup, RestoreTarget(url, _known_migrations(keys), args.force))
    if args.keys_to and keys is not None:
        lines = f"VIGIL_SECRET_KEY={keys.secret_key}\nVIGIL_SEAL_KEYS={keys.seal_keys}\n"
        write_private(args.keys_to, lines)
    print(as_called("Restored. Run `manage.py migrate`, start the processes, then `manage.py doctor`."))
    missing = set(backup.manifest.seal_keys) - set(fingerprints(here.split(",")))
    if missing:
        named = args.keys_to or "the file of --keys-to"
        print(f"VIGIL_SEAL_KEYS here lacks a key that secrets were sealed with: take it from {named}.", file=sys.stderr)
    return int(bool(missing) and not args.keys_to)


def _into_folder(args: argparse.Namespace, backup: BackupFile, keys: Keys | None) -> int:
    from vigil.backup.local_folder import restore_folder

    if keys is None or not keys.local:
        raise CommandError(
            "only a backup of `up`, with its keys, makes a data folder; for a deployment set VIGIL_DATABASE_URL"
        )
    folder = chosen_path(args.data_dir)
    restore_folder(backup, keys, folder, _known_migrations(keys))
    print(as_called(f"Restored. Run `manage.py up --data-dir {folder}`."))
    return 0


def _known_migrations(keys: Keys | None) -> list[str]:
    """The migrations of this release; settings that are not there yet are those of the backup, or unused."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")
    known = {"VIGIL_SECRET_KEY": keys.secret_key, "VIGIL_SEAL_KEYS": keys.seal_keys} if keys else {}
    for name, value in (_UNUSED | known).items():
        os.environ.setdefault(name, value)
    django.setup()
    from django.db.migrations.loader import MigrationLoader

    return [".".join(key) for key in MigrationLoader(None).disk_migrations]

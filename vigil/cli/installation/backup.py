"""Write the database and the keys of this installation to one file, while it runs.

  manage.py backup vigil.backup
  manage.py backup vigil.backup --verify                     also restores it into a scratch database, and counts
  manage.py backup vigil.backup --passphrase-file FILE       for scripts; or VIGIL_BACKUP_PASSPHRASE
  manage.py backup vigil.backup --without-keys               then keep VIGIL_SEAL_KEYS and VIGIL_SECRET_KEY elsewhere

It needs pg_dump of the server's major version. The file has mode 0600 and gets its name only when it is whole. In it
are the keys that open the stored secrets, sealed under the passphrase: keep that elsewhere. Redis needs no backup, and
the keys of regions' workers are on their own machines.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from vigil.backup.archive import BackupFile
from vigil.backup.core.contents import Keys, Manifest, Unusable
from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.cli.installation import passphrases
from vigil.local.folder import chosen_path, is_held, read_secrets


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the file to write")
    passphrases.add_options(parser, without="leave the keys out of the file")
    parser.add_argument("--verify", action="store_true", help="restore it into a scratch database, which is dropped")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--data-dir", help="the data folder of the installation (default: VIGIL_DATA_DIR, else .vigil)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    connect(args.data_dir)
    if args.file.exists() and not args.force:
        raise CommandError(f"{args.file} is there already: name another file, or replace it with --force")
    secret = passphrases.passphrase(args, twice=True)

    from vigil.backup.making import BackupSource, make_backup
    from vigil.backup.restoring import verify
    from vigil.configuration import configuration

    url = configuration().database_url.get_secret_value()
    try:
        manifest = make_backup(BackupSource(url, _keys(args.data_dir), secret), args.file, _show_progress)
        if sys.stderr.isatty():
            print(file=sys.stderr)
        if args.verify:
            verify(BackupFile(args.file), url)
    except OSError as error:
        raise CommandError(f"{args.file} cannot be written ({error.strerror or error})") from None
    except Unusable as problem:
        raise CommandError(f"{args.file} is no good backup: {problem}") from None
    print(_as_json(args, manifest) if args.json else _for_people(args, manifest))
    return 0


def _keys(data_dir: str | None) -> Keys:
    from vigil.configuration import configuration

    settings, folder = configuration(), chosen_path(data_dir)
    secrets = read_secrets(folder) if is_held(folder) else None
    # Those of `up` only where it is what we are connected to.
    own = secrets is not None and secrets.secret_key == settings.secret_key.get_secret_value()
    return Keys(
        secret_key=settings.secret_key.get_secret_value(),
        seal_keys=settings.seal_keys.get_secret_value(),
        local=json.dumps(asdict(secrets)) if secrets is not None and own else "",
    )


def _show_progress(dumped: int) -> None:
    """How much is dumped; how much it will be is not known before, since it is compressed."""
    if sys.stderr.isatty():
        print(f"\r{dumped / 1e6:.0f} MB", end="", file=sys.stderr, flush=True)


def _for_people(args: argparse.Namespace, manifest: Manifest) -> str:
    rows = sum(manifest.rows.values())
    lines = [
        f"{args.file}: {manifest.dump_bytes / 1e6:.1f} MB of PostgreSQL {manifest.postgresql},"
        f" {rows} rows besides the history, {manifest.made_at}"
    ]
    if args.verify:
        lines.append("Restored into a scratch database: all rows are there.")
    kept = "the keys are in it, under the passphrase: keep that elsewhere"
    left = "the keys are not in it: keep VIGIL_SEAL_KEYS and VIGIL_SECRET_KEY elsewhere"
    lines.append(f"Without its keys no stored secret can be read; {kept if manifest.has_keys else left}.")
    return "\n".join(lines)


def _as_json(args: argparse.Namespace, manifest: Manifest) -> str:
    return json.dumps(
        {
            "file": str(args.file),
            "made_at": manifest.made_at,
            "release": manifest.release,
            "postgresql": manifest.postgresql,
            "dump_bytes": manifest.dump_bytes,
            "rows": manifest.rows,
            "has_keys": manifest.has_keys,
            "verified": args.verify,
        }
    )

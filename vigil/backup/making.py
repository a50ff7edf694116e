"""Making of a backup: one snapshot of the database, its rows counted, and the keys, in one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from vigil.backup.archive import written
from vigil.backup.core.contents import VERSION, Keys, Manifest, fingerprints
from vigil.backup.database import BEFORE, SESSIONS, Snapshot, snapshot
from vigil.backup.sealing import sealed
from vigil.local.servers.postgres_clients import find_client, output_of

_LOCK_WAIT_MS = 60_000
NO_KEYS = b"{}"


@dataclass(frozen=True)
class BackupSource:
    """What is backed up. Without a passphrase the keys stay out of the file."""

    database_url: str = field(repr=False)
    keys: Keys = field(repr=False)
    passphrase: str = field(default="", repr=False)


def make_backup(source: BackupSource, path: Path, on_progress: Callable[[int], object] = int) -> Manifest:
    """Write the file; raises CannotStart and OSError, and then leaves no file. Tells of the bytes dumped so far."""
    with snapshot(source.database_url) as taken, written(path) as backup:
        program = find_client("pg_dump", taken.major)
        for chunk in output_of(program, _arguments(taken), source.database_url):
            backup.write_dump(chunk)
            on_progress(backup.dump_bytes)
        manifest = Manifest(
            version=VERSION,
            made_at=taken.at,
            release=release(),
            postgresql=taken.major,
            dump_bytes=backup.dump_bytes,
            dump_sha256=backup.dump_sha256,
            rows=taken.rows,
            migrations=taken.migrations,
            seal_keys=fingerprints(source.keys.seal_keys.split(",")),
            has_keys=bool(source.passphrase),
        )
        encoded = msgspec.json.encode(manifest)
        backup.finish(encoded, sealed(source.keys, source.passphrase, encoded) if source.passphrase else NO_KEYS)
    return manifest


def release() -> str:
    """The release that runs here."""
    try:
        return version("vigilmon")
    except PackageNotFoundError:
        return "checkout"


def _arguments(taken: Snapshot) -> Sequence[str]:
    options = {"--format": "custom", "--snapshot": taken.name, "--lock-wait-timeout": str(_LOCK_WAIT_MS)}
    given = [f"{name}={value}" for name, value in options.items()]
    # Owners and rights are those of the server that it is restored on.
    left_out = [f"--exclude-schema={BEFORE}", f"--exclude-table-data=public.{SESSIONS}"]
    return [*given, *left_out, "--no-owner", "--no-privileges"]

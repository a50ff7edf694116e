"""Restore of `up`: a new data folder with its own PostgreSQL, filled from a backup, and its keys."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Collection
from pathlib import Path

from vigil.backup.archive import BackupFile
from vigil.backup.core.contents import Keys, Unusable, why_not_here
from vigil.backup.restoring import RestoreTarget, restore
from vigil.local.errors import CannotStart
from vigil.local.folder import SECRETS_FILE, DataFolder, write_private
from vigil.local.servers import postgres, postgres_binaries


def restore_folder(backup: BackupFile, keys: Keys, path: Path, migrations: Collection[str]) -> None:
    """Make the folder, so that `up` goes on there; raises Unusable and CannotStart, and leaves no half of it."""
    try:
        password = json.loads(keys.local)["database_password"]
    except (ValueError, KeyError, TypeError):
        raise Unusable("its keys are not those of an installation by `up`") from None
    server = postgres_binaries.find(postgres_binaries.server_account())
    why = why_not_here(backup.manifest, server.major, migrations)
    if why:
        raise Unusable(why)
    with DataFolder.claim(path):
        cluster, log = postgres.cluster_folder(path), path / "restore.log"
        # A log that is left over, without secrets, is that of a restore which was killed: what it made is half.
        if log.exists() and not (path / SECRETS_FILE).exists():
            postgres.discard(cluster)
        if (path / SECRETS_FILE).exists() or cluster.exists():
            raise CannotStart(f"{path} holds an installation already: name an empty folder with --data-dir")
        try:
            log.touch(mode=0o600)
            with postgres.running(path, password, log) as own:
                restore(backup, RestoreTarget(own.url, migrations))
            # Last: a folder without it is never taken for an installation.
            write_private(path / SECRETS_FILE, keys.local)
        except BaseException:
            shutil.rmtree(cluster, ignore_errors=True)
            raise
        finally:
            with contextlib.suppress(OSError):
                log.unlink(missing_ok=True)

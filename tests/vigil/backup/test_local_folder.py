"""A backup of `up` makes a data folder on another machine, with its database and its secrets, or nothing."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.vigil.backup.databases import address_of_test_database, everything_in, stand_in
from vigil.backup.archive import BackupFile
from vigil.backup.core.contents import Keys, Unusable
from vigil.backup.local_folder import restore_folder
from vigil.backup.making import BackupSource, make_backup
from vigil.local.errors import CannotStart
from vigil.local.folder import DataFolder, read_secrets
from vigil.local.servers import postgres

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

OWN = {"secret_key": "s" * 40, "seal_keys": Fernet.generate_key().decode(), "region_keys": {"local-1": "key"}}
OWN |= {name: secrets.token_urlsafe(8) for name in ("database_password", "redis_password")}
KEYS = Keys(str(OWN["secret_key"]), str(OWN["seal_keys"]), json.dumps(OWN))


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that a PostgreSQL of root's, which runs as another account, can enter: pytest's own it cannot."""
    with tempfile.TemporaryDirectory(prefix="vigil-restored-") as home:
        Path(home).chmod(0o711)
        yield Path(home)


@pytest.fixture
def backup(postgres_server: str, place: Path) -> BackupFile:
    make_backup(BackupSource(address_of_test_database(postgres_server), KEYS), place / "vigil.backup")
    return BackupFile(place / "vigil.backup")


def test_the_folder_has_the_database_and_the_secrets(backup: BackupFile, postgres_server: str, place: Path) -> None:
    folder = place / "data"
    restore_folder(backup, KEYS, folder, backup.manifest.migrations)
    kept = read_secrets(folder)
    assert kept is not None and kept.seal_keys == OWN["seal_keys"] and kept.region_keys == OWN["region_keys"]
    assert (folder / "secrets.json").stat().st_mode & 0o077 == 0 and not (folder / "restore.log").exists()
    with postgres.running(folder, kept.database_password, place / "log") as server:
        assert everything_in(server.url) == everything_in(address_of_test_database(postgres_server))
    with pytest.raises(CannotStart, match="holds an installation already"):
        restore_folder(backup, KEYS, folder, backup.manifest.migrations)


def test_a_restore_that_fails_leaves_no_half_of_a_folder(
    backup: BackupFile, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place / "data"
    monkeypatch.setenv("PATH", stand_in(place, "pg_restore", "exit 3")["PATH"])
    with pytest.raises(CannotStart, match="pg_restore failed"):
        restore_folder(backup, KEYS, folder, backup.manifest.migrations)
    assert os.listdir(folder) == ["lock"]


def test_a_restore_that_was_killed_is_begun_again_by_the_same_command(backup: BackupFile, place: Path) -> None:
    folder = place / "data"
    with DataFolder.claim(folder), postgres.running(folder, "another", folder / "restore.log"):
        """As a kill leaves it: a database, the log, and no secrets."""
    restore_folder(backup, KEYS, folder, backup.manifest.migrations)
    kept = read_secrets(folder)
    assert kept is not None and sorted(os.listdir(folder)) == ["lock", "postgres", "secrets.json"]
    with postgres.running(folder, kept.database_password, place / "log"):
        """It opens with its own password."""


def test_a_database_whose_secrets_are_lost_is_not_taken_for_a_restore(backup: BackupFile, place: Path) -> None:
    folder = place / "data"
    (folder / "postgres").mkdir(parents=True)
    with pytest.raises(CannotStart, match="holds an installation already"):
        restore_folder(backup, KEYS, folder, backup.manifest.migrations)
    assert (folder / "postgres").exists()


def test_a_backup_that_this_release_does_not_know_makes_no_folder(backup: BackupFile, place: Path) -> None:
    with pytest.raises(Unusable, match="newer release"):
        restore_folder(backup, KEYS, place / "data", [])
    assert not (place / "data").exists()


def test_keys_of_another_kind_of_installation_are_refused(backup: BackupFile, place: Path) -> None:
    with pytest.raises(Unusable, match="not those of an installation by `up`"):
        restore_folder(backup, Keys("secret", "seal"), place / "data", [])
